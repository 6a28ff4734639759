"""Workflows that are functions of ours: progress, a result, and an end that they choose themselves."""

import pytest

from caravan.core.settings import Settings
from caravan.platform.audit import AuditKey, CheckpointFile, Sealer
from caravan.platform.jobs import JobState, Reason, create_job
from caravan.platform.jobs.audit_workflow import AUDIT_VERIFY
from tests.fixtures.applications import caller
from tests.fixtures.job_workflows import COUNT, SHELL, STUBBORN
from tests.integration.platform.jobs.conftest import Jobs, left_of

pytestmark = pytest.mark.asyncio


async def test_a_function_tells_its_progress_and_gives_its_result(jobs: Jobs) -> None:
    async with jobs.running():
        job = await jobs.create(workflow=COUNT, to=60)
        seen = await jobs.until(job, lambda found: found.progress)
        job = await jobs.ended(job)
    assert seen.progress is not None
    assert seen.progress["total"] == 60
    assert (job.state, job.result) == (JobState.COMPLETED, {"counted": 60})
    assert job.progress == {"done": 60, "total": 60, "told": "at 60"}


async def test_a_function_that_is_cancelled_ends_by_itself_and_one_that_will_not_is_killed(
    jobs: Jobs,
) -> None:
    async with jobs.running():
        gentle = await jobs.create(workflow=COUNT, to=100_000)
        await jobs.until(gentle, lambda found: found.progress)
        await jobs.cancel(gentle)
        gentle = await jobs.ended(gentle)
        stubborn = await jobs.create(workflow=STUBBORN, to=100_000, stubborn=True)
        await jobs.until(stubborn, lambda found: found.progress)
        await jobs.cancel(stubborn)
        stubborn = await jobs.ended(stubborn)
    assert (gentle.state, gentle.exit_code, gentle.signal) == (JobState.CANCELLED, 3, None)
    assert (stubborn.state, stubborn.signal) == (JobState.CANCELLED, 9)
    assert left_of(stubborn) == []


async def test_a_function_that_raises_fails_with_what_it_says(jobs: Jobs) -> None:
    async with jobs.running():
        job = await jobs.ended(await jobs.create(workflow=COUNT, to=1, fail=True))
    assert (job.state, job.reason, job.exit_code) == (JobState.FAILED, Reason.EXIT, 1)
    assert job.error == "ValueError: counted to the bitter end"
    assert b"Traceback" in await jobs.printed(job)


async def test_an_organisation_has_its_audit_verified(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARAVAN_HOME", str(jobs.folder))
    settings = Settings(environment="test", home=jobs.folder)
    owner = caller("admin", org=jobs.org)
    async with jobs.app.write(jobs.org) as session:
        for _ in range(3):
            await create_job(session, owner, SHELL, {"script": "true"})  # each leaves an entry
    await Sealer(jobs.system, AuditKey.load(settings.keys_folder), CheckpointFile.of(settings)).seal_batch()
    async with jobs.running():
        job = await jobs.ended(await jobs.create(workflow=AUDIT_VERIFY))
    assert (job.state, job.queue) == (JobState.COMPLETED, "audit")
    assert job.result["ok"] is True
    assert (job.result["sealed"], job.result["findings"]) == (3, [])
    assert job.progress == {"done": 3, "total": 3, "told": "entries checked"}
