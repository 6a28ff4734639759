"""What a job leaves in the log: one line per step, each with the job and its report."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.fixtures.deduper_worker import RealWorker

pytestmark = pytest.mark.asyncio(loop_scope="session")


def lines(logs: list[Any], number: int, report: str) -> list[tuple[str, Any]]:
    """The steps of a job that the log tells, with what was told of their end; its id is the same in all of them."""
    found = [line for line in logs if line["event"].startswith("job.") and line.get("number") == number]
    assert {line["reference"] for line in found} == {report}
    assert len({line["job_id"] for line in found}) == 1
    return [(line["event"], line.get("exit_code")) for line in found]


async def in_the_log(worker: RealWorker, logs: list[Any], event: str, number: int) -> None:
    """Wait for a line: it comes after the state is written."""

    async def told() -> bool:
        return any(
            line["event"] == event and line.get("number") == number and "reason" in line for line in logs
        )

    await worker.until(told)


async def test_a_job_that_completes_leaves_three_lines(worker: RealWorker) -> None:
    with capture_logs() as logs:
        await worker.create("jobs/reportId/71")
        await in_the_log(worker, logs, "job.completed", 1)
    assert lines(logs, 1, "71") == [("job.enqueued", None), ("job.started", None), ("job.completed", 0)]


async def test_a_job_that_fails_says_with_which_code(worker: RealWorker) -> None:
    worker.program.says("analyze_fast", "exit 3")
    with capture_logs() as logs:
        await worker.create("jobs/reportId/72")
        await in_the_log(worker, logs, "job.failed", 1)
    assert lines(logs, 1, "72") == [("job.enqueued", None), ("job.started", None), ("job.failed", 3)]


async def test_a_cancelled_job_says_when_it_was_asked_and_when_it_had_ended(worker: RealWorker) -> None:
    worker.program.says("analyze_fast", "hang")
    with capture_logs() as logs:
        await worker.create("jobs/reportId/73")
        await worker.began(1)
        await worker.client.post("/deduper/jobs/1/cancel")
        await in_the_log(worker, logs, "job.cancelled", 1)
    assert lines(logs, 1, "73")[1:] == [
        ("job.started", None),
        ("job.cancelled", None),
        ("job.cancelled", -15),
    ]


async def test_a_job_that_a_clear_cancels_before_its_turn_is_named_too(worker: RealWorker) -> None:
    worker.program.says("analyze_fast", "hang")
    with capture_logs() as logs:
        await worker.create("jobs/reportId/74")
        await worker.began(1)
        await worker.create("jobs/reportId/75")
        await worker.client.delete("/deduper/clear-db-table")
    assert lines(logs, 2, "75") == [("job.enqueued", None), ("job.cancelled", None)]
