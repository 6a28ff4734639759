"""Limits are told in headers, refused with 429, counted per caller, and believed from trusted proxies only."""

from collections.abc import AsyncIterator
from typing import Annotated

import pytest
import pytest_asyncio

from caravan.core.database import DatabaseAddress
from caravan.core.http import api_router, public
from caravan.core.principal import Principal
from tests.fixtures.applications import RunningApplication, caller, running_application

pytestmark = pytest.mark.asyncio

router = api_router("probe", prefix="/api/v1")


@router.get("/limited", operation_id="limited")
async def limited(who: Annotated[Principal, public()]) -> dict[str, str]:
    return {"who": who.label}


@router.get("/auth/limited", operation_id="authLimited", dependencies=[public()])
async def login_limited() -> dict[str, str]:
    return {}


@pytest_asyncio.fixture(loop_scope="session")
async def running(module_database: DatabaseAddress) -> AsyncIterator[RunningApplication]:
    async with running_application(
        module_database,
        [router],
        rate_limit_requests=3,
        rate_limit_login=1,
        rate_limit_window=3600,
        trusted_proxies=("127.0.0.1/32", "10.0.0.0/8"),
    ) as application:
        yield application


async def test_the_headers_count_down_to_a_refusal(running: RunningApplication) -> None:
    headers = running.as_caller(caller())
    answers = [await running.client.get("/api/v1/limited", headers=headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[0].headers["ratelimit-policy"] == '"default";q=3;w=3600'
    assert answers[0].headers["ratelimit"].startswith('"default";r=2;t=')
    refused = answers[3]
    assert refused.json()["error_code"] == "rate_limited"
    assert 0 < int(refused.headers["retry-after"]) <= 3600


async def test_one_callers_limit_is_not_anothers(running: RunningApplication) -> None:
    first, second = running.as_caller(caller()), running.as_caller(caller())
    for _ in range(4):
        await running.client.get("/api/v1/limited", headers=first)
    assert (await running.client.get("/api/v1/limited", headers=second)).status_code == 200


async def test_log_ins_are_limited_by_address_whoever_tries(running: RunningApplication) -> None:
    first = await running.client.get("/api/v1/auth/limited", headers=running.as_caller(caller()))
    second = await running.client.get("/api/v1/auth/limited", headers=running.as_caller(caller()))
    assert (first.status_code, second.status_code) == (200, 429)
    assert second.headers["ratelimit-policy"].startswith('"login"')


async def test_a_trusted_proxy_names_the_address_from_the_right(running: RunningApplication) -> None:
    def forwarded(*hops: str) -> dict[str, str]:
        return {"X-Forwarded-For": ", ".join(hops)}

    for _ in range(3):
        await running.client.get("/api/v1/limited", headers=forwarded("198.51.100.7", "10.1.2.3"))
    spoofed = await running.client.get("/api/v1/limited", headers=forwarded("203.0.113.9", "198.51.100.7"))
    other = await running.client.get("/api/v1/limited", headers=forwarded("198.51.100.8"))
    assert (spoofed.status_code, other.status_code) == (429, 200)
