"""A thousand random histories of create, cancel, clear, kill and restart: no job is lost, stuck or run twice."""

import asyncio
import gc
import os
import random
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.ids import uuid7
from tests.fixtures.job_histories import Crew, play, wrong

pytestmark = pytest.mark.asyncio

HISTORIES = int(os.environ.get("CARAVAN_JOB_HISTORIES", "1000"))
AT_ONCE = 60
_LEFT = "SELECT count(*) FROM jobs WHERE ended_at IS NULL"
_ROWS = "SELECT org_id, id, number, state, reason, ended_at FROM jobs ORDER BY org_id, number"
_COUNTERS = (
    "SELECT count(*) FROM job_queues q WHERE ROW(q.pending, q.running, q.completed, q.failed, q.cancelled) IS DISTINCT FROM"
    " (SELECT ROW(count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'running'),"
    " count(*) FILTER (WHERE state = 'completed'), count(*) FILTER (WHERE state = 'failed'),"
    " count(*) FILTER (WHERE state = 'cancelled')) FROM jobs j WHERE j.org_id = q.org_id AND j.queue = q.name)"
)


# A runner that is cut off leaves its connections as a killed process does; they are collected here, not in another test.
@pytest.mark.filterwarnings("ignore:unclosed connection:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_every_history_ends_well(own_database: DatabaseAddress, tmp_path: Path) -> None:
    seed = int(os.environ.get("CARAVAN_JOB_SEED", "0")) or random.SystemRandom().randrange(2**32)
    dice = random.Random(seed)  # noqa: S311 - to be repeated
    app = Database(own_database, role=Role.APP, pool=4, read_pool=8)
    system = Database(own_database, role=Role.SYSTEM, pool=1, read_pool=8)
    crew = Crew(system, tmp_path)
    for _ in range(3):
        crew.hire()
    room = asyncio.Semaphore(AT_ONCE)

    async def lived() -> tuple[object, dict]:
        org, own = uuid7(), random.Random(dice.random())  # noqa: S311 - to be repeated
        async with room:
            return org, await play(app, crew, org, own)

    with capture_logs() as lines:
        histories = dict(await asyncio.gather(*(lived() for _ in range(HISTORIES))))
        deadline = asyncio.get_running_loop().time() + 30
        while left := await system.fetch_value(_LEFT):
            assert asyncio.get_running_loop().time() < deadline, f"{left} jobs are stuck (seed {seed})"
            await asyncio.sleep(0.05)
        await crew.stop()
    rows = await _rows(own_database)
    problems = [
        f"{org}: {problem}"
        for org, asked in histories.items()
        for problem in wrong(asked, rows.get(org, []), crew.world.starts)
    ]
    off = await system.fetch_value(_COUNTERS)
    await app.close()
    await system.close()
    gc.collect()
    assert problems == [], f"seed {seed}"
    assert any(line["event"] == "job.recovering" for line in lines)  # somebody was killed over his work
    assert (off, crew.world.overlaps, len(crew.world.alive)) == (0, 0, 0), f"seed {seed}"


async def _rows(address: DatabaseAddress) -> dict:
    connection = await asyncpg.connect(address.url, server_settings={"role": str(Role.SYSTEM)})
    found: dict = {}
    for row in await connection.fetch(_ROWS):
        found.setdefault(row["org_id"], []).append(dict(row))
    await connection.close()
    return found
