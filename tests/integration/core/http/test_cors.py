"""Pages of other origins: those that the setting names may call with credentials, no other may."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from caravan.core.database import DatabaseAddress
from caravan.core.http import api_router, public
from tests.fixtures.applications import RunningApplication, running_application

pytestmark = pytest.mark.asyncio

SHOP, EVIL = "https://shop.example", "https://shop.example.evil"
ASKS = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization,if-match"}

router = api_router("probe", prefix="/api/v1/probe")


@router.patch("", operation_id="probeCors", dependencies=[public()])
async def change() -> dict[str, int]:
    return {"changed": 1}


@pytest_asyncio.fixture(loop_scope="session")
async def running(module_database: DatabaseAddress) -> AsyncIterator[RunningApplication]:
    async with running_application(module_database, [router], cors_origins=(SHOP,)) as application:
        yield application


async def test_an_origin_that_is_named_may_ask_and_call(running: RunningApplication) -> None:
    asked = await running.client.options("/api/v1/probe", headers={"Origin": SHOP, **ASKS})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == SHOP
    assert asked.headers["access-control-allow-credentials"] == "true"
    assert "PATCH" in asked.headers["access-control-allow-methods"]
    assert asked.headers["access-control-allow-headers"] == "authorization,if-match"
    called = await running.client.patch("/api/v1/probe", headers={"Origin": SHOP})
    assert called.json() == {"changed": 1}
    assert called.headers["access-control-allow-origin"] == SHOP
    assert "Origin" in called.headers["vary"]


async def test_a_page_may_read_the_headers_that_a_client_needs(running: RunningApplication) -> None:
    called = await running.client.patch("/api/v1/probe", headers={"Origin": SHOP})
    exposed = called.headers["access-control-expose-headers"].split(", ")
    assert {"ETag", "Link", "RateLimit", "Retry-After", "X-Request-ID", "Idempotency-Replayed"} <= set(
        exposed
    )


@pytest.mark.parametrize("origin", [EVIL, "http://shop.example", "null"])
async def test_any_other_origin_is_allowed_nothing(running: RunningApplication, origin: str) -> None:
    asked = await running.client.options("/api/v1/probe", headers={"Origin": origin, **ASKS})
    assert asked.status_code == 400
    assert "access-control-allow-origin" not in asked.headers
    called = await running.client.patch("/api/v1/probe", headers={"Origin": origin})
    assert "access-control-allow-origin" not in called.headers


async def test_unless_the_setting_names_any_no_origin_is_allowed(module_database: DatabaseAddress) -> None:
    async with running_application(module_database, [router]) as closed:
        asked = await closed.client.options("/api/v1/probe", headers={"Origin": SHOP, **ASKS})
        called = await closed.client.patch("/api/v1/probe", headers={"Origin": SHOP})
    for answer in (asked, called):
        assert not [name for name in answer.headers if name.startswith("access-control-")]
