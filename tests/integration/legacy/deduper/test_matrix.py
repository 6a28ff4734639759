"""The parity matrix's questions that need jobs or a configuration, each in its situation, with real children."""

from collections.abc import Sequence

import pytest

from caravan.legacy.deduper.environment import DEDUPER, PYTHON
from caravan.legacy.deduper.probes import PROBES, Probe, Situation
from tests.fixtures.deduper_probing import ask, judge
from tests.fixtures.deduper_worker import RealWorker

pytestmark = pytest.mark.asyncio(loop_scope="session")

_ENDS: dict[Situation, tuple[str, str]] = {
    Situation.COMPLETED: ("exit 0", "completed"),
    Situation.EXITED: ("exit 3", "failed"),
    Situation.UNCONFIGURED: ("exit 0", "failed"),
    Situation.WRONG_PYTHON: ("exit 0", "failed"),
    Situation.WRONG_PROGRAM: ("exit 0", "failed"),
}
_WITH_REPORT = {Situation.COMPLETED, Situation.RUNNING}


def questions(situation: Situation, *, reading: bool) -> list[Probe]:
    """The questions of a situation: those that change nothing, or the others."""
    return [probe for probe in PROBES if probe.situation is situation and (probe.method == "GET") is reading]


async def arrange(worker: RealWorker, situation: Situation, monkeypatch: pytest.MonkeyPatch) -> int | None:
    """Bring it about; returns the id of its job."""
    if situation is Situation.CLEAR_FAILS:
        worker.program.says("clear_table", "exit 1")
    if situation is Situation.CLEAR_HANGS:
        worker.program.says("clear_table", "hang")
        worker.queue.settings = worker.queue.settings.model_copy(update={"deduper_clear_timeout": 0.2})
    if situation in {Situation.EMPTY, Situation.CLEAR_FAILS, Situation.CLEAR_HANGS}:
        return None
    if situation in {Situation.WRONG_PYTHON, Situation.UNCONFIGURED}:
        monkeypatch.setenv(PYTHON, "/nowhere" if situation is Situation.WRONG_PYTHON else "")
    if situation in {Situation.WRONG_PROGRAM, Situation.UNCONFIGURED}:
        monkeypatch.setenv(DEDUPER, "/nowhere" if situation is Situation.WRONG_PROGRAM else "")
    words, status = _ENDS.get(situation, ("hang", "running"))
    worker.program.says("analyze_fast", words)
    job = await worker.create("jobs/reportId/5" if situation in _WITH_REPORT else "jobs")
    await (worker.began(job) if status == "running" else worker.status(job, status))
    if situation is Situation.CANCELLED:
        await _cancel(worker, job)
    return job


async def _cancel(worker: RealWorker, job: int) -> None:
    await worker.client.post(f"/deduper/jobs/{job}/cancel")

    async def gone() -> bool:
        return "exitCode" in await worker.get(f"jobs/{job}")

    await worker.until(gone)


async def answered(worker: RealWorker, probes: Sequence[Probe], job: int | None) -> None:
    for probe in probes:
        judge(await ask(worker.client, probe, job), probe.expected)


@pytest.mark.parametrize("situation", [each for each in Situation if questions(each, reading=True)])
async def test_questions_that_only_read_are_answered_as_the_matrix_says(
    worker: RealWorker, monkeypatch: pytest.MonkeyPatch, situation: Situation
) -> None:
    job = await arrange(worker, situation, monkeypatch)
    probes = questions(situation, reading=True)
    if situation is Situation.EMPTY:
        probes = [probe for probe in probes if probe.name.startswith("health")]
    assert probes
    await answered(worker, probes, job)


CHANGING = [
    (situation, probe)
    for situation in Situation
    for probe in questions(situation, reading=False)
    if "{job}" in probe.path or probe.name.startswith("clear")
]


@pytest.mark.parametrize(("situation", "probe"), CHANGING, ids=[probe.name for _, probe in CHANGING])
async def test_questions_that_change_something_are_answered_as_the_matrix_says(
    worker: RealWorker, monkeypatch: pytest.MonkeyPatch, situation: Situation, probe: Probe
) -> None:
    await answered(worker, [probe], await arrange(worker, situation, monkeypatch))
