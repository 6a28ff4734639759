"""The service dies in every state of a job: nothing outlives it, and no job is lost, stuck or run twice."""

import asyncio
import os
import signal
from dataclasses import replace

import pytest

from caravan.core.ids import uuid7
from caravan.platform.jobs import JobState, Reason
from caravan.platform.jobs.holder import Holder
from caravan.platform.jobs.outcomes import lost
from caravan.platform.jobs.steps import Steps
from tests.fixtures.job_service import job_service, until
from tests.fixtures.job_workflows import WIDE
from tests.integration.platform.jobs.conftest import QUICK, Jobs, left_of

pytestmark = pytest.mark.asyncio

STUBBORN = "trap '' TERM HUP; (setsid sleep 60 &); echo up; while :; do sleep 60; done"


async def test_a_service_killed_in_every_state_leaves_no_process_and_the_next_one_ends_every_job(
    jobs: Jobs,
) -> None:
    go, twice = jobs.folder / "go", jobs.folder / "twice"
    with job_service(jobs.address, jobs.folder, QUICK) as service:
        running = await jobs.create(f"echo x >> {twice}; {STUBBORN}", grace=0.3)
        pending = await jobs.create("echo late")
        finishing = await jobs.create(
            f"echo x; while ! [ -e {go} ]; do sleep 0.02; done; echo done", workflow=WIDE
        )
        cancelled = await jobs.create("echo x; exec sleep 60", workflow=WIDE)
        for job in (running, finishing, cancelled):
            await jobs.until_printed(job, b"\n")
        service.send(signal.SIGSTOP)
        go.touch()
        folder = jobs.folder / "jobs" / "running"
        await until((folder / str(finishing.id) / "result.json").exists)
        await jobs.cancel(cancelled)
        service.kill()
    await until(
        lambda: not any(left_of(job) for job in (running, finishing, cancelled))
    )  # with nobody's help

    assert (await jobs.look(running)).state is JobState.RUNNING
    async with jobs.running(folder=jobs.folder / "jobs"):
        ended = [await jobs.ended(job) for job in (running, pending, finishing, cancelled)]
    assert [(job.state, job.reason, job.exit_code) for job in ended] == [
        (JobState.FAILED, Reason.WORKER_LOST, -signal.SIGKILL),
        (JobState.COMPLETED, Reason.EXIT, 0),
        (JobState.COMPLETED, Reason.EXIT, 0),
        (JobState.CANCELLED, Reason.CANCELLED, -signal.SIGTERM),
    ]
    assert ended[0].error == "The service that ran this job died; its processes were ended."
    assert await jobs.printed(finishing) == b"x\ndone\n"
    assert await jobs.printed(pending) == b"late\n"
    assert twice.read_text(encoding="utf-8") == "x\n"
    assert list(folder.iterdir()) == []


async def test_a_service_that_stops_in_order_ends_its_jobs_as_failed(jobs: Jobs) -> None:
    with job_service(jobs.address, jobs.folder, QUICK) as service:
        job = await jobs.create(STUBBORN, grace=5)
        waiting = await jobs.create("true")
        await jobs.until_printed(job, b"up")
        service.send(signal.SIGTERM)
        assert service.ended() == 0
        log = service.log.read_text(encoding="utf-8")
    ended = await jobs.look(job)
    assert (ended.state, ended.reason, ended.error) == (JobState.FAILED, Reason.STOPPED, "service stopped")
    assert ended.signal == signal.SIGKILL
    assert left_of(job) == []
    assert (await jobs.look(waiting)).state is JobState.PENDING
    for word in ("job.started", "job.failed"):
        line = next(line for line in log.splitlines() if f'"event":"{word}"' in line)
        assert f'"job_id":"{job.id}"' in line
        assert '"reference":"report 7"' in line


async def test_a_frozen_service_loses_its_program_before_its_slot_and_cannot_write_afterwards(
    jobs: Jobs,
) -> None:
    policy = replace(QUICK, lease=3.0, margin=1.0)
    with job_service(jobs.address, jobs.folder, policy) as service:
        job = await jobs.create(STUBBORN)
        await jobs.until_printed(job, b"up")
        service.send(signal.SIGSTOP)
        await until(lambda: not left_of(job))
        frozen = await jobs.look(job)
        async with jobs.running(folder=jobs.folder / "jobs"):
            ended = await jobs.ended(job)
            service.send(signal.SIGCONT)
            after = await jobs.ended(await jobs.create("true"))
            await until(lambda: "job.lease_lost" in service.log.read_text(encoding="utf-8"))
    assert frozen.state is JobState.RUNNING
    assert (ended.state, ended.reason) == (JobState.FAILED, Reason.WORKER_LOST)
    assert after.state is JobState.COMPLETED
    assert await jobs.look(job) == ended


async def test_a_job_whose_runner_died_before_its_program_began_fails_at_once_by_its_lock(jobs: Jobs) -> None:
    holder = Holder(jobs.folder)
    job = await jobs.create("true")
    claimed = await Steps(jobs.system, holder.name, 600).claim()
    assert claimed is not None
    assert claimed.id == job.id
    os.close(holder._lock or -1)  # as the kernel does for the dead
    async with jobs.running():
        ended = await jobs.ended(job)
    assert (ended.state, ended.reason, ended.exit_code) == (JobState.FAILED, Reason.WORKER_LOST, None)


async def test_what_an_outdated_holder_writes_is_refused(jobs: Jobs) -> None:
    first = Steps(jobs.system, f"first {uuid7()}", 0.05)
    second = Steps(jobs.system, f"second {uuid7()}", 60)
    await jobs.create("true")
    claimed = await first.claim()
    assert claimed is not None
    await asyncio.sleep(0.1)
    taken = await second.take_over([], [])
    assert taken is not None
    assert (taken.id, taken.fence) == (claimed.id, claimed.fence + 1)
    assert await first.renew() == []
    assert await first.finish(claimed, lost()) is None
    assert await second.finish(claimed, lost()) is None  # with the old number
    assert await second.finish(taken, lost()) is JobState.FAILED
    assert await second.finish(taken, lost()) is None


async def test_two_who_take_over_at_once_take_one_slot_once(jobs: Jobs) -> None:
    await jobs.create("true")
    assert await Steps(jobs.system, f"dead {uuid7()}", 0.01).claim()
    await asyncio.sleep(0.05)
    heirs = [Steps(jobs.system, f"heir {n} {uuid7()}", 60) for n in range(4)]
    found = [job for job in await asyncio.gather(*(heir.take_over([], []) for heir in heirs)) if job]
    assert len(found) == 1
    for heir in heirs:
        await heir.finish(found[0], lost())
