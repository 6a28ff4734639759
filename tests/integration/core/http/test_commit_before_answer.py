"""An answer leaves only after its transaction was committed."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import text

from caravan.core.database import DatabaseAddress
from caravan.core.http import Read, SystemRead, SystemWrite, Write, api_router, public
from tests.fixtures.applications import RunningApplication, running_application
from tests.fixtures.databases import as_administrator

pytestmark = pytest.mark.asyncio

router = api_router("rows", prefix="/api/v1/rows")


@router.post("/late", operation_id="failsLate", dependencies=[public()])
async def fails_at_commit(session: Write) -> dict[str, str]:
    await session.execute(text("INSERT INTO children (parent) VALUES (42)"))
    return {"said": "done"}


@router.get("/write", operation_id="writesOnRead", dependencies=[public()])
async def writes_on_a_read_path(session: Read) -> None:
    await session.execute(text("INSERT INTO parents (id) VALUES (1)"))


@router.post("/system", operation_id="systemWrites", dependencies=[public()])
async def system_writes(session: SystemWrite) -> dict[str, str]:
    return {"role": str(await session.scalar(text("SELECT current_user::text")))}


@router.get("/system", operation_id="systemReads", dependencies=[public()])
async def system_reads(session: SystemRead) -> dict[str, str]:
    return {"role": str(await session.scalar(text("SELECT current_user::text")))}


@pytest_asyncio.fixture(loop_scope="session")
async def running(own_database: DatabaseAddress) -> AsyncIterator[RunningApplication]:
    as_administrator(
        own_database,
        "CREATE TABLE parents (id int PRIMARY KEY)",
        "CREATE TABLE children (parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)",
        "GRANT ALL ON parents, children TO caravan_app",
    )
    async with running_application(own_database, [router]) as application:
        yield application


async def test_a_commit_that_fails_is_never_told_as_success(running: RunningApplication) -> None:
    answer = await running.client.post("/api/v1/rows/late")
    assert (answer.status_code, answer.json()["error_code"]) == (500, "internal_error")


async def test_a_read_path_cannot_write(running: RunningApplication) -> None:
    assert (await running.client.get("/api/v1/rows/write")).status_code == 500
    assert await running.state.database.fetch_value("SELECT count(*) FROM parents") == 0


async def test_the_system_role_is_for_routes_that_ask_for_it(running: RunningApplication) -> None:
    assert (await running.client.post("/api/v1/rows/system")).json() == {"role": "caravan_system"}
    assert (await running.client.get("/api/v1/rows/system")).json() == {"role": "caravan_system"}
