"""The worker with the deduper program that comes with the repository, on a shared SQLite file of invented articles."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from caravan.legacy.deduper.environment import DEDUPER, PYTHON
from caravan.legacy.deduper.workflow import QUEUE
from caravan.platform.jobs import find_job, read_log
from tests.fixtures.command_line import ROOT
from tests.fixtures.deduper_worker import RealWorker

pytestmark = pytest.mark.asyncio(loop_scope="session")

LEGACY = ROOT / "examples" / "legacy"
MADE = ["--approved", "100", "--reports", "1", "--new", "16"]


@pytest.fixture
def database(program: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shared file, and the operator's settings for the program that works on it."""
    generate = LEGACY / "deduper-data" / "generate.py"
    subprocess.run([sys.executable, generate, "--out", tmp_path, *MADE], check=True, capture_output=True)
    monkeypatch.setenv(PYTHON, sys.prefix)
    monkeypatch.setenv(DEDUPER, str(LEGACY / "deduper"))
    for name, value in {
        "PATH_TO_DATABASE": str(tmp_path),
        "NAME_DB": "articles.db",
        "RUN_ENVIRONMENT": "development",
        "DEDUPER_BUILTIN_EMBEDDING": "1",
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "articles.db"


def rows(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        found: int = connection.execute("SELECT count(*) FROM ArticleDuplicateAnalyses").fetchone()[0]
        return found


async def test_a_report_fills_the_table_and_clearing_empties_it(worker: RealWorker, database: Path) -> None:
    assert (await worker.get("health"))["status"] == "healthy"
    told = await worker.status(await worker.create("jobs/reportId/1"), "completed")
    assert told["exitCode"] == 0
    assert rows(database) == 16 * 100
    cleared = await worker.client.delete("/deduper/clear-db-table")
    assert (cleared.status_code, cleared.json()["cleared"]) == (200, True)
    assert rows(database) == 0


async def test_a_job_that_ends_well_and_leaves_the_table_empty_is_warned_of(
    worker: RealWorker, database: Path
) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM ArticleApproveds")
    with capture_logs() as logs:
        told = await worker.status(await worker.create("jobs/reportId/1"), "completed")
    assert (told["exitCode"], rows(database)) == (0, 0)
    (warned,) = [line for line in logs if line["event"] == "job.doubtful"]
    assert (warned["log_level"], warned["number"], warned["reference"]) == ("warning", 1, "1")
    assert "left ArticleDuplicateAnalyses empty" in warned["doubt"]


async def test_a_program_that_finds_no_database_fails_with_its_code(
    worker: RealWorker, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAME_DB", "nothing.db")
    told = await worker.status(await worker.create("jobs/reportId/1"), "failed")
    assert told["exitCode"] == 1
    cleared = await worker.client.delete("/deduper/clear-db-table")
    assert (cleared.status_code, cleared.json()["exitCode"]) == (500, 1)


async def test_a_database_that_another_process_keeps_locked_is_told_in_the_log_and_a_clear_fails(
    worker: RealWorker, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        number = await worker.create("jobs/reportId/1")
        cleared = await worker.client.delete("/deduper/clear-db-table")
        other.execute("ROLLBACK")
    assert (await worker.get(f"jobs/{number}"))["status"] == "cancelled"
    assert (cleared.status_code, cleared.json()["exitCode"]) == (500, 1)
    assert "locked" in cleared.json()["stderr"]
    told = await worker.status(await worker.create("jobs/reportId/1"), "completed")
    assert (told["exitCode"], rows(database)) == (0, 16 * 100)


async def test_a_corrupt_database_fails_what_it_must_and_nothing_hangs(
    worker: RealWorker, database: Path
) -> None:
    await asyncio.to_thread(database.write_bytes, b"no SQLite file" * 1000)
    number = await worker.create("jobs/reportId/1")

    async def ended() -> bool:
        return (await worker.get(f"jobs/{number}"))["status"] in {"completed", "failed"}

    await worker.until(ended)
    assert b"not a database" in await printed(worker, number)
    cleared = await worker.client.delete("/deduper/clear-db-table")
    assert (cleared.status_code, cleared.json()["cleared"], cleared.json()["exitCode"]) == (500, False, 1)
    assert "not a database" in cleared.json()["stderr"]


async def printed(worker: RealWorker, number: int) -> bytes:
    """What a job's program printed."""
    queue = worker.queue
    async with queue.database.read(queue.org) as session:
        page = await read_log(session, await find_job(session, queue.org, QUEUE, number))
    return b"".join(piece.content for piece in page.pieces)
