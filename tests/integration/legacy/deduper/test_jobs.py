"""Jobs of the worker, with real children: created, shown, cancelled, one after another."""

import asyncio
from datetime import datetime
from pathlib import Path

import psutil
import pytest

from caravan.core.ids import uuid7
from caravan.legacy.deduper.answers import DeduperCreatedJob, DeduperJobDetail, DeduperJobList
from caravan.legacy.deduper.environment import DEDUPER, MISSING, PYTHON
from caravan.legacy.deduper.queue import SERVICE, DeduperQueue
from caravan.legacy.deduper.workflow import QUEUE
from caravan.platform.jobs import find_job, read_log
from tests.fixtures.deduper_worker import RealWorker

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_job_runs_the_program_for_its_report(worker: RealWorker) -> None:
    answer = await worker.client.get("/deduper/jobs/reportId/12345678901234567890")
    assert answer.content == b'{"jobId":1,"reportId":12345678901234567890,"status":"pending"}\n'
    told = await worker.status(1, "completed")
    assert worker.program.calls == ["analyze_fast --report-id 12345678901234567890"]
    assert (told["exitCode"], told["reportId"]) == (0, 12345678901234567890)
    DeduperJobDetail.model_validate(told)


async def test_a_job_without_a_report_runs_for_all_new_articles(worker: RealWorker) -> None:
    answer = await worker.client.get("/deduper/jobs?reportId=9")
    DeduperCreatedJob.model_validate(answer.json())
    await worker.status(1, "completed")
    assert worker.program.calls == ["analyze_fast"]


async def test_stamps_are_utc_in_order_with_their_offset(worker: RealWorker) -> None:
    await worker.create()
    told = await worker.status(1, "completed")
    stamps = [told[name] for name in ("createdAt", "startedAt", "completedAt")]
    assert stamps == sorted(stamps)
    assert all(stamp.endswith("+00:00") and datetime.fromisoformat(stamp) for stamp in stamps)


async def test_an_exit_code_fails_the_job_without_an_error_text(worker: RealWorker) -> None:
    worker.program.says("analyze_fast", "exit 3")
    await worker.create()
    told = await worker.status(1, "failed")
    assert told["exitCode"] == 3
    assert "error" not in told


async def test_a_program_killed_from_outside_shows_its_signal(worker: RealWorker) -> None:
    worker.program.says("analyze_fast", "hang")
    await worker.began(await worker.create())
    assert worker.program.began is not None
    psutil.Process(worker.program.began).kill()
    told = await worker.status(1, "failed")
    assert told["exitCode"] == -9


@pytest.mark.parametrize(
    ("variable", "value", "error"),
    [
        (PYTHON, "", MISSING),
        (DEDUPER, "", MISSING),
        (PYTHON, "/nowhere", "[Errno 2] No such file or directory: '/nowhere/bin/python'"),
        (DEDUPER, "/nowhere", "[Errno 2] No such file or directory: '/nowhere/src/main.py'"),
    ],
)
async def test_what_is_missing_or_wrong_is_said_in_the_job(
    worker: RealWorker, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, error: str
) -> None:
    monkeypatch.setenv(variable, value)
    await worker.create()
    told = await worker.status(1, "failed")
    assert set(told) == {"jobId", "status", "createdAt", "startedAt", "completedAt", "error"}
    assert told["error"] == error
    assert worker.program.calls == []


async def test_the_program_finds_the_operators_environment_and_not_ours(
    worker: RealWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    _dotenv("NAME_DB=of-file.db\nPATH_TO_DATABASE=/of/file\n")
    monkeypatch.setenv("PATH_TO_DATABASE", "/of/environment")
    monkeypatch.setenv("DATABASE_URL", "postgresql://caravan:secret@db/caravan")
    await worker.create()
    await worker.status(1, "completed")
    found = worker.program.environment
    assert (found["NAME_DB"], found["PATH_TO_DATABASE"]) == ("of-file.db", "/of/environment")
    assert "DATABASE_URL" not in found


async def test_jobs_run_one_after_another_in_their_order(worker: RealWorker) -> None:
    worker.program.says("analyze_fast", "hang")
    numbers = [await worker.create(f"jobs/reportId/{report}") for report in (7, 8)]
    assert numbers == [1, 2]
    await worker.began(1)
    assert (await worker.get("jobs/2"))["status"] == "pending"
    worker.program.release()
    await worker.status(2, "completed")
    assert worker.program.calls == ["analyze_fast --report-id 7", "analyze_fast --report-id 8"]
    first, second = [await worker.get(f"jobs/{number}") for number in numbers]
    assert first["completedAt"] <= second["startedAt"]


async def test_a_running_job_is_cancelled_with_its_process(worker: RealWorker) -> None:
    worker.program.says("analyze_fast", "hang")
    await worker.began(await worker.create())
    process = psutil.Process(worker.program.began)
    answer = await worker.client.post("/deduper/jobs/1/cancel")
    assert answer.content == b'{"jobId":1,"message":"Job cancelled successfully","status":"cancelled"}\n'

    async def reaped() -> bool:
        return "exitCode" in await worker.get("jobs/1")

    await worker.until(reaped)
    told = await worker.get("jobs/1")
    assert (told["status"], told["exitCode"]) == ("cancelled", -15)
    assert not process.is_running()


async def test_a_waiting_job_that_is_cancelled_never_starts(worker: RealWorker) -> None:
    worker.program.says("analyze_fast", "hang")
    await worker.began(await worker.create())
    await worker.create("jobs/reportId/8")
    assert (await worker.client.post("/deduper/jobs/2/cancel")).status_code == 200
    worker.program.release()
    await worker.status(1, "completed")
    told = await worker.get("jobs/2")
    assert set(told) == {"jobId", "status", "createdAt", "completedAt", "reportId"}
    assert worker.program.calls == ["analyze_fast"]


@pytest.mark.parametrize(("words", "status"), [("exit 0", "completed"), ("exit 1", "failed")])
async def test_what_has_ended_cannot_be_cancelled(worker: RealWorker, words: str, status: str) -> None:
    worker.program.says("analyze_fast", words)
    await worker.create()
    before = await worker.status(1, status)
    answer = await worker.client.post("/deduper/jobs/1/cancel")
    assert (answer.status_code, answer.json()) == (400, {"error": f"Cannot cancel job with status: {status}"})
    assert await worker.get("jobs/1") == before


async def test_an_unknown_job_is_not_found_in_json(worker: RealWorker) -> None:
    await worker.create()
    for number in ("2", "01", "0", "999999999999999999"):
        for method, path in (("GET", f"/deduper/jobs/{number}"), ("POST", f"/deduper/jobs/{number}/cancel")):
            answer = await worker.client.request(method, path)
            assert (answer.status_code, answer.content) == (404, b'{"error":"Job not found"}\n')


async def test_many_creates_at_once_get_ids_of_their_own_in_the_order_of_the_list(worker: RealWorker) -> None:
    worker.program.says("analyze_fast", "hang")
    numbers = await asyncio.gather(*(worker.create() for _ in range(20)))
    assert sorted(numbers) == list(range(1, 21))
    listed = await worker.get("jobs/list")
    DeduperJobList.model_validate(listed)
    assert [job["jobId"] for job in listed["jobs"]] == list(range(1, 21))
    stamps = [job["createdAt"] for job in listed["jobs"]]
    assert stamps == sorted(stamps)


async def _ids(worker: RealWorker) -> list[int]:
    return [job["jobId"] for job in (await worker.get("jobs/list"))["jobs"]]


async def test_head_starts_nothing_and_tells_what_get_would(worker: RealWorker) -> None:
    for path in ("/deduper/jobs", "/deduper/jobs/reportId/5"):
        before = await _ids(worker)
        asked = await worker.client.head(path)
        assert await _ids(worker) == before
        made = await worker.client.get(path)
        assert (asked.status_code, asked.content) == (201, b"")
        for name in ("content-type", "content-length"):
            assert asked.headers[name] == made.headers[name]


async def test_what_the_program_prints_is_kept_with_its_job(worker: RealWorker) -> None:
    told = await worker.status(await worker.create(), "completed")
    assert told["stdout"] == "Process output streamed to terminal"
    queue = worker.queue
    async with queue.database.read(queue.org) as session:
        printed = await read_log(session, await find_job(session, queue.org, QUEUE, 1))
    assert {(piece.stream, piece.content) for piece in printed.pieces} == {
        ("stdout", b"out of analyze_fast\n"),
        ("stderr", b"err of analyze_fast\n"),
    }


async def test_two_hundred_creates_at_once_are_all_answered_and_numbered_without_gaps(
    worker: RealWorker,
) -> None:
    worker.program.says("analyze_fast", "hang")
    numbers = await asyncio.gather(*(worker.create() for _ in range(200)))
    assert sorted(numbers) == list(range(1, 201))
    assert [job["jobId"] for job in (await worker.get("jobs/list"))["jobs"]] == list(range(1, 201))
    cleared = await worker.client.delete("/deduper/clear-db-table")
    assert cleared.json()["cancelledJobs"] == list(range(1, 201))


async def test_the_list_has_the_last_jobs_only(worker: RealWorker) -> None:
    worker.queue.settings = worker.queue.settings.model_copy(update={"deduper_list_length": 2})
    worker.program.says("analyze_fast", "hang")
    for _ in range(3):
        await worker.create()
    assert [job["jobId"] for job in (await worker.get("jobs/list"))["jobs"]] == [2, 3]
    assert (await worker.get("health"))["jobs"]["total"] == 3


async def test_two_organisations_do_not_see_each_others_jobs(worker: RealWorker) -> None:
    await worker.create()
    await worker.status(1, "completed")
    other = await _another(worker)
    assert await other.get("jobs/list") == {"jobs": []}
    assert (await other.client.get("/deduper/jobs/1")).status_code == 404


async def _another(worker: RealWorker) -> RealWorker:
    queue = DeduperQueue(worker.queue.database, uuid7(), worker.queue.settings)
    worker.running.state.services[SERVICE] = queue
    return RealWorker(worker.running, queue, worker.program)


def _dotenv(text: str) -> None:
    Path(".env").write_text(text)
