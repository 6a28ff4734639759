"""The old addresses on the platform: there only when a setting says so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from caravan.core.database import DatabaseAddress
from caravan.core.settings import Settings
from caravan.entry.addresses import Addresses
from caravan.entry.api import create_app

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def platform(
    address: DatabaseAddress, home: Path, *, bridge: bool
) -> AsyncIterator[httpx2.AsyncClient]:
    settings = Settings(
        environment="test",
        home=home,
        trusted_hosts=("caravan.test",),
        log_level="error",
        deduper_bridge=bridge,
    )
    app, served = create_app(settings, Addresses(address, None, None))
    transport = httpx2.ASGITransport(app=served)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://caravan.test") as client,
    ):
        yield client


async def test_they_are_closed_unless_they_are_opened(
    module_database: DatabaseAddress, tmp_path: Path
) -> None:
    async with platform(module_database, tmp_path, bridge=False) as client:
        for path in (
            "/deduper/jobs",
            "/deduper/jobs/list",
            "/deduper/health",
            "/test",
            "/",
            "//deduper/jobs",
        ):
            answer = await client.get(f"http://caravan.test{path}")
            assert (answer.status_code, answer.json()["error_code"]) == (404, "path_not_found"), path


async def test_opened_they_answer_beside_the_platforms_own(
    module_database: DatabaseAddress, tmp_path: Path
) -> None:
    async with platform(module_database, tmp_path, bridge=True) as client:
        made = await client.get("/deduper/jobs/reportId/5")
        assert (made.status_code, made.json()["status"]) == (201, "pending")
        listed = await client.get("http://caravan.test//deduper/jobs/list")
        assert [job["status"] for job in listed.json()["jobs"]] == ["pending"]
        cancelled = await client.post("/deduper/jobs/1/cancel")
        assert cancelled.json()["status"] == "cancelled"
        page = await client.get("/deduper/jobs/")
        assert (page.status_code, page.text.startswith("<!doctype html>")) == (404, True)
        guarded = await client.get("/api/v1/orders")
        assert (guarded.status_code, guarded.json()["error_code"]) == (401, "unauthenticated")
        assert (await client.get("/rps/orders")).json() == {"detail": "unauthorized"}
