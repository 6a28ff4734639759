"""What jobs printed goes with its age; the jobs stay and say so."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from caravan.core.clock import utc_now
from caravan.platform.jobs import Job, JobLogGoneError, JobState, read_log
from caravan.platform.jobs.retention import remove_old_output, remove_old_output_until
from tests.integration.platform.jobs.conftest import Jobs

pytestmark = pytest.mark.asyncio(loop_scope="session")

_ROWS = text("SELECT position, stream FROM job_output WHERE job_id = :job ORDER BY position")


async def rows(jobs: Jobs, job: Job) -> list[tuple[int, str]]:
    async with jobs.app.read(jobs.org) as session:
        found = await session.execute(_ROWS, {"job": job.id})
        return [(row.position, row.stream) for row in found]


async def test_old_output_goes_and_the_job_stays_and_says_so(jobs: Jobs) -> None:
    async with jobs.running():
        old = await jobs.ended(await jobs.create("echo old"))
        between = utc_now()
        young = await jobs.ended(await jobs.create("echo young"))
    assert await remove_old_output(jobs.system, between) >= 1
    found = await jobs.look(old)
    assert (found, found.state, found.exit_code, found.output_bytes) == (old, JobState.COMPLETED, 0, 4)
    async with jobs.app.read(jobs.org) as session:
        for tail, stream in ((None, None), (3, None), (None, "stdout")):
            with pytest.raises(JobLogGoneError, match=f"log of job {old.number} of .* because of its age"):
                await read_log(session, old, tail=tail, stream=stream)
    assert await rows(jobs, old) == [(-1, "removed")]
    assert await jobs.printed(young) == b"young\n"
    assert await remove_old_output(jobs.system, between) == 0


async def test_a_job_that_still_runs_keeps_what_it_printed_however_long_ago(jobs: Jobs) -> None:
    go = jobs.folder / "go"
    async with jobs.running():
        job = await jobs.create(f"echo began; while ! [ -e {go} ]; do sleep 0.02; done")
        await jobs.until_printed(job, b"began")
        await remove_old_output(jobs.system, utc_now() + timedelta(days=1))
        await asyncio.to_thread(go.touch)
        await jobs.ended(job)
    assert await jobs.printed(job) == b"began\n"


async def test_a_job_that_printed_nothing_has_an_empty_log_and_no_gone_one(jobs: Jobs) -> None:
    async with jobs.running():
        job = await jobs.ended(await jobs.create("exit 0"))
    await remove_old_output(jobs.system, utc_now())
    assert await jobs.printed(job) == b""
    assert await rows(jobs, job) == []


async def test_more_jobs_than_one_batch_are_removed(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caravan.platform.jobs.retention._BATCH", 2)
    async with jobs.running():
        made = [await jobs.create("echo old") for _ in range(5)]
        for job in made:
            await jobs.ended(job)
    assert await remove_old_output(jobs.system, utc_now()) >= 5
    assert [await rows(jobs, job) for job in made] == [[(-1, "removed")]] * 5


async def test_it_is_done_at_once_by_the_age_of_the_setting_and_ends_when_told(jobs: Jobs) -> None:
    async with jobs.running():
        job = await jobs.ended(await jobs.create("echo old"))
    for later, kept in ((29.9, (0, "stdout")), (30.1, (-1, "removed"))):
        stop = asyncio.Event()

        def clock(later: float = later, stop: asyncio.Event = stop) -> datetime:
            stop.set()  # told while it is at it, it does this one and no other
            return utc_now() + timedelta(days=later)

        async with asyncio.timeout(10):
            await remove_old_output_until(stop, jobs.system, 30, clock)
        assert await rows(jobs, job) == [kept]
