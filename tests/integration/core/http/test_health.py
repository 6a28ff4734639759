"""What an orchestrator asks: /livez, /readyz, /startupz and /version, without a log-in and without a limit."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from caravan import __version__
from caravan.core.database import DatabaseAddress
from caravan.core.http import health
from caravan.core.http.health import Check
from caravan.core.limits import Limiter
from caravan.entry.readiness import database_checks, readiness_checks
from tests.fixtures.applications import RunningApplication, running_application

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(loop_scope="session")
async def running(module_database: DatabaseAddress) -> AsyncIterator[RunningApplication]:
    async with running_application(
        module_database, [], rate_limits=True, rate_limit_requests=1
    ) as application:
        yield application


def answers(check: Check | Exception):
    async def ask() -> Check:
        if isinstance(check, Exception):
            raise check
        return check

    return ask


async def test_livez_tells_that_the_process_answers_whatever_else_is_down(
    running: RunningApplication,
) -> None:
    running.state.readiness["database"] = answers(ConnectionError("secret address"))
    for _ in range(3):
        answer = await running.client.get("/livez")
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")


@pytest.mark.parametrize("path", ["/readyz", "/startupz"])
async def test_readyz_tells_whether_requests_should_come_and_names_what_is_missing(
    running: RunningApplication, path: str
) -> None:
    ready, less = Check(status="ok", detail=""), Check(status="degraded", detail="no worker has been heard")
    broken = ConnectionError("postgresql://user:secret@host")
    for checks, status, told in (
        ({"database": ready}, 200, "ok"),
        ({"database": ready, "background": less}, 200, "degraded"),
        ({"database": broken, "background": less}, 503, "failed"),
    ):
        running.state.readiness.clear()
        running.state.readiness.update({name: answers(check) for name, check in checks.items()})
        answer = await running.client.get(path)
        assert (answer.status_code, answer.json()["status"]) == (status, told)
        assert set(answer.json()["checks"]) == set(checks)
        assert "secret" not in answer.text


async def test_readyz_waits_for_no_check_for_long(
    running: RunningApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs() -> Check:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(health, "_PATIENCE", 0.05)
    running.state.readiness["redis"] = hangs
    answer = await running.client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["redis"]["status"]) == (503, "failed")


async def test_readyz_of_the_service_asks_the_real_servers(running: RunningApplication) -> None:
    state = running.state
    state.readiness.update(readiness_checks(state.database, state.system_database, Limiter(None), None))
    answer = await running.client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    checks = answer.json()["checks"]
    assert {name: check["status"] for name, check in checks.items()} == {
        "database": "ok",
        "schema": "ok",
        "redis": "degraded",
        "background": "degraded",
    }


async def test_readyz_refuses_requests_to_a_database_of_another_schema(
    running: RunningApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caravan.entry.readiness.head_revision", lambda: "9999_next")
    running.state.readiness.update(database_checks(running.state.database))
    answer = await running.client.get("/readyz")
    assert answer.status_code == 503
    assert "caravan db migrate" in answer.json()["checks"]["schema"]["detail"]


async def test_version_tells_which_version_answers(running: RunningApplication) -> None:
    answer = await running.client.get("/version")
    assert (answer.status_code, answer.json()) == (200, {"name": "caravan", "version": __version__})
