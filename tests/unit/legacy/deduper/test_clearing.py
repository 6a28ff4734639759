"""Clearing with a queue and a program that are made up: every outcome has the legacy's keys."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from caravan.core.settings import Settings
from caravan.legacy.deduper import clearing
from caravan.legacy.deduper.environment import DEDUPER, MISSING, PYTHON
from caravan.legacy.deduper.json_form import encoded
from caravan.platform.jobs import Program, ProgramResult, QueueBusyError
from tests.unit.legacy.deduper.conftest import RememberedQueue, Worker

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Rehearsal:
    """Records in which order what was done, and lets the program end as told."""

    def __init__(self, outcome: ProgramResult | Exception, busy: Exception | None = None) -> None:
        self.outcome = outcome
        self.busy = busy
        self.done: list[Any] = []

    @asynccontextmanager
    async def hold(self, *arguments: object, **patience: float) -> AsyncIterator[Sequence[int]]:
        self.done.append(("held", arguments[2], patience))
        if self.busy is not None:
            raise self.busy
        yield [3, 4]
        self.done.append("let go")

    async def run(self, program: Program) -> ProgramResult:
        self.done.append(program)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def ended(code: int, *, late: bool = False) -> ProgramResult:
    return ProgramResult(
        code,
        b"one\r\ntwo\n",
        b"caf\xc3\xa9 \xff",
        timed_out=late,
        out_of_memory=False,
        seconds=0.1,
        peak_memory=None,
        dropped=0,
    )


async def cleared(
    monkeypatch: pytest.MonkeyPatch,
    rehearsal: Rehearsal,
    **settings: Any,  # noqa: ANN401 - any setting
) -> tuple[int, dict[str, Any]]:
    monkeypatch.setenv(PYTHON, "/v")
    monkeypatch.setenv(DEDUPER, "/d")
    monkeypatch.setattr(clearing, "hold_queue", rehearsal.hold)
    monkeypatch.setattr(clearing, "run_program", rehearsal.run)
    queue: Any = RememberedQueue(Settings(**settings))
    status, answer = await clearing.clear_table(queue)
    assert encoded(answer).endswith(b"}\n")
    return status, answer.model_dump(exclude_none=True)


async def test_the_queue_is_held_while_the_command_runs(monkeypatch: pytest.MonkeyPatch, unset: None) -> None:
    rehearsal = Rehearsal(ended(0))
    status, told = await cleared(monkeypatch, rehearsal, deduper_clear_timeout=7)
    held, program, let_go = rehearsal.done
    assert (held[:2], let_go) == (("held", "deduper"), "let go")
    assert held[2]["patience"] > 7
    assert (list(program.command), program.timeout) == (
        ["/v/bin/python", "/d/src/main.py", "clear_table", "-y"],
        7,
    )
    del told["timestamp"]
    assert (status, told) == (
        200,
        {
            "cleared": True,
            "cancelledJobs": [3, 4],
            "exitCode": 0,
            "stdout": "one\ntwo\n",
            "stderr": "café \ufffd",
        },
    )


async def test_a_command_that_fails_is_told_with_its_output(
    monkeypatch: pytest.MonkeyPatch, unset: None
) -> None:
    status, told = await cleared(monkeypatch, Rehearsal(ended(1)))
    assert (status, told["cleared"], told["exitCode"]) == (500, False, 1)
    assert told["error"] == "Clear table command failed"
    assert set(told) == {"cleared", "cancelledJobs", "exitCode", "stdout", "stderr", "timestamp", "error"}


async def test_a_command_that_takes_too_long_lists_who_was_cancelled(
    monkeypatch: pytest.MonkeyPatch, unset: None
) -> None:
    status, told = await cleared(monkeypatch, Rehearsal(ended(-15, late=True)))
    del told["timestamp"]
    assert (status, told) == (500, {"error": "Clear table command timed out", "cancelledJobs": [3, 4]})


async def test_a_command_that_cannot_be_executed_lists_who_was_cancelled(
    monkeypatch: pytest.MonkeyPatch, unset: None
) -> None:
    refused = FileNotFoundError(2, "No such file or directory", "/v/bin/python")
    status, told = await cleared(monkeypatch, Rehearsal(refused))
    assert (status, set(told)) == (500, {"error", "cancelledJobs", "timestamp"})
    assert told["error"] == "[Errno 2] No such file or directory: '/v/bin/python'"
    assert told["cancelledJobs"] == [3, 4]


async def test_a_queue_that_cannot_be_held_runs_nothing(monkeypatch: pytest.MonkeyPatch, unset: None) -> None:
    rehearsal = Rehearsal(ended(0), QueueBusyError("Somebody else holds it."))
    status, told = await cleared(monkeypatch, rehearsal)
    assert (status, told["error"], told["cancelledJobs"]) == (500, "Somebody else holds it.", [])
    assert len(rehearsal.done) == 1


@pytest.mark.parametrize("name", [PYTHON, DEDUPER])
async def test_without_configuration_no_job_is_touched(
    monkeypatch: pytest.MonkeyPatch, worker: Worker, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv(name, str(tmp_path))
    answer = await worker.running.client.delete("/deduper/clear-db-table")
    assert (answer.status_code, answer.json()) == (500, {"error": MISSING})
