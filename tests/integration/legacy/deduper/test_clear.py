"""Clearing the table, with real children and the program's own command."""

import asyncio

import psutil
import pytest

from caravan.legacy.deduper.answers import DeduperCleared, DeduperClearFailed
from caravan.legacy.deduper.environment import DEDUPER, PYTHON
from tests.fixtures.deduper_worker import RealWorker

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLEAR = "/deduper/clear-db-table"


async def test_the_programs_own_command_clears(worker: RealWorker) -> None:
    answer = await worker.client.request("DELETE", CLEAR, params={"ignored": "1"}, content=b"ignored")
    assert answer.status_code == 200
    told = answer.json()
    DeduperCleared.model_validate(told)
    assert (told["cleared"], told["cancelledJobs"], told["exitCode"]) == (True, [], 0)
    assert (told["stdout"], told["stderr"]) == ("out of clear_table\n", "err of clear_table\n")
    assert worker.program.calls == ["clear_table -y"]


async def test_everything_is_cancelled_and_gone_before_the_command_runs(worker: RealWorker) -> None:
    worker.program.says("analyze_fast", "hang")
    await worker.began(await worker.create())
    await worker.create()
    process = psutil.Process(worker.program.began)
    answer = await worker.client.delete(CLEAR)
    assert (answer.status_code, answer.json()["cancelledJobs"]) == (200, [1, 2])
    assert not process.is_running()
    assert worker.program.calls == ["analyze_fast", "clear_table -y"]
    listed = (await worker.get("jobs/list"))["jobs"]
    assert [job["status"] for job in listed] == ["cancelled", "cancelled"]


async def test_jobs_created_meanwhile_wait_and_run_afterwards(worker: RealWorker) -> None:
    worker.program.says("clear_table", "hang")
    clearing = asyncio.create_task(worker.client.delete(CLEAR))
    await worker.until(lambda: _called(worker, 1))
    number = await worker.create("jobs/reportId/9")
    assert (await worker.get(f"jobs/{number}"))["status"] == "pending"
    assert worker.program.calls == ["clear_table -y"]
    worker.program.release()
    answer = await clearing
    assert (answer.status_code, answer.json()["cancelledJobs"]) == (200, [])
    await worker.status(number, "completed")
    assert worker.program.calls == ["clear_table -y", "analyze_fast --report-id 9"]


async def test_a_second_clear_waits_for_the_first(worker: RealWorker) -> None:
    worker.program.says("clear_table", "hang")
    first = asyncio.create_task(worker.client.delete(CLEAR))
    await worker.until(lambda: _called(worker, 1))
    second = asyncio.create_task(worker.client.delete(CLEAR))
    await worker.get("health")
    assert not second.done()
    worker.program.release()
    assert [(await each).status_code for each in (first, second)] == [200, 200]
    assert worker.program.calls == ["clear_table -y", "clear_table -y"]


async def test_a_command_that_fails_is_500_with_all_keys(worker: RealWorker) -> None:
    worker.program.says("clear_table", "exit 1")
    answer = await worker.client.delete(CLEAR)
    told = answer.json()
    DeduperCleared.model_validate(told)
    assert (answer.status_code, told["cleared"], told["exitCode"]) == (500, False, 1)
    assert told["error"] == "Clear table command failed"


async def test_a_wrong_program_path_shows_what_the_interpreter_said(
    worker: RealWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DEDUPER, "/nowhere")
    answer = await worker.client.delete(CLEAR)
    assert (answer.status_code, answer.json()["exitCode"]) == (500, 2)
    assert "/nowhere/src/main.py" in answer.json()["stderr"]


async def test_a_wrong_interpreter_path_is_told_after_the_jobs_were_cancelled(
    worker: RealWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.program.says("analyze_fast", "hang")
    await worker.began(await worker.create())
    monkeypatch.setenv(PYTHON, "/nowhere")
    answer = await worker.client.delete(CLEAR)
    told = answer.json()
    DeduperClearFailed.model_validate(told)
    del told["timestamp"]
    error = "[Errno 2] No such file or directory: '/nowhere/bin/python'"
    assert (answer.status_code, told) == (500, {"error": error, "cancelledJobs": [1]})


async def test_without_configuration_no_job_is_touched(
    worker: RealWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.program.says("analyze_fast", "hang")
    await worker.began(await worker.create())
    monkeypatch.delenv(PYTHON)
    answer = await worker.client.delete(CLEAR)
    assert (answer.status_code, list(answer.json())) == (500, ["error"])
    assert (await worker.get("jobs/1"))["status"] == "running"


async def test_a_command_that_takes_too_long_is_ended(worker: RealWorker) -> None:
    worker.program.says("clear_table", "hang")
    worker.queue.settings = worker.queue.settings.model_copy(update={"deduper_clear_timeout": 0.3})
    answer = await worker.client.delete(CLEAR)
    told = answer.json()
    del told["timestamp"]
    assert (answer.status_code, told) == (
        500,
        {"error": "Clear table command timed out", "cancelledJobs": []},
    )
    assert worker.program.began is None or not psutil.pid_exists(worker.program.began)
    assert await worker.create() == 1
    await worker.status(1, "completed")


async def _called(worker: RealWorker, times: int) -> bool:
    return len(worker.program.calls) >= times and worker.program.began is not None
