"""A queue: numbers without gaps, one at a time in order, cancel before start, holds, versions."""

import asyncio
import contextlib

import pytest
from sqlalchemy import text

from caravan.core.ids import uuid7
from caravan.platform.jobs import (
    Counts,
    JobNotCancellableError,
    JobNotFoundError,
    JobState,
    ParametersInvalidError,
    QueueBusyError,
    QueueHoldLostError,
    WorkflowUnknownError,
    cancel_job,
    count_jobs,
    create_job,
    find_job,
    hold_queue,
    list_jobs,
    queue_version,
)
from tests.fixtures.job_workflows import SHELL, WIDE
from tests.integration.platform.jobs.conftest import Jobs, left_of

pytestmark = pytest.mark.asyncio


async def test_two_hundred_creates_at_once_are_numbered_without_gaps_in_the_order_of_commits(
    jobs: Jobs,
) -> None:
    made = await asyncio.gather(*(jobs.create("true") for _ in range(200)))
    assert sorted(job.number for job in made) == list(range(1, 201))
    async with jobs.app.read(jobs.org) as session:
        listed = await list_jobs(session, jobs.org, "shell", 500)
        last = await list_jobs(session, jobs.org, "shell", 3)
        counts = await count_jobs(session, jobs.org, "shell")
    assert [job.number for job in listed] == list(range(1, 201))
    assert [job.created_at for job in listed] == sorted(job.created_at for job in listed)
    assert [job.number for job in last] == [198, 199, 200]
    assert counts == Counts(pending=200)
    assert counts.total == 200


async def test_a_create_that_is_rolled_back_uses_no_number(jobs: Jobs) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with jobs.app.write(jobs.org) as session:
            await create_job(session, jobs.org, SHELL, {"script": "true"})
            raise ZeroDivisionError
    assert (await jobs.create("true")).number == 1


async def test_one_job_at_a_time_runs_and_the_others_wait_in_order(jobs: Jobs) -> None:
    trace = jobs.folder / "trace"
    made = [
        await jobs.create(f"echo begin {n} >> {trace}; sleep 0.05; echo end {n} >> {trace}") for n in range(4)
    ]
    async with jobs.running(), jobs.running():
        await jobs.ended(made[-1])
    lines = trace.read_text(encoding="utf-8").splitlines()
    assert lines == [f"{word} {n}" for n in range(4) for word in ("begin", "end")]


async def test_a_wider_queue_runs_as_many_at_once_as_it_says(jobs: Jobs) -> None:
    async with jobs.running():
        made = [await jobs.create(f"echo {n}; exec sleep 60", workflow=WIDE) for n in range(10)]
        for job in made[:8]:
            await jobs.until(job, lambda found: found.state is JobState.RUNNING)
        waiting = [await jobs.look(job) for job in made[8:]]
        assert [job.state for job in waiting] == [JobState.PENDING] * 2
        for job in reversed(made):  # whoever waits first: a place that is free would be taken at once
            await jobs.cancel(job)
        for job in made:
            await jobs.ended(job)
    assert [await jobs.printed(job) for job in made[8:]] == [b"", b""]


async def test_a_job_cancelled_before_its_turn_never_starts(jobs: Jobs) -> None:
    marker = jobs.folder / "started"
    async with jobs.running():
        first = await jobs.create("exec sleep 60")
        second = await jobs.create(f"touch {marker}")
        third = await jobs.create("true")
        cancelled = await jobs.cancel(second)
        await jobs.cancel(first)
        await jobs.ended(third)
    assert (cancelled.state, cancelled.started_at) == (JobState.CANCELLED, None)
    assert cancelled.ended_at == cancelled.finished_at
    assert await jobs.look(second) == cancelled
    assert not marker.exists()


@pytest.mark.parametrize("script", ["true", "exit 1", None])
async def test_a_job_that_has_ended_cannot_be_cancelled(jobs: Jobs, script: str | None) -> None:
    job = await jobs.create(script or "true")
    if script is None:
        await jobs.cancel(job)
    else:
        async with jobs.running():
            await jobs.ended(job)
    before = await jobs.look(job)
    with pytest.raises(
        JobNotCancellableError, match=f"^Cannot cancel job with status: {before.state}$"
    ) as refused:
        await jobs.cancel(job)
    assert refused.value.state is before.state
    assert await jobs.look(job) == before


async def test_a_job_that_is_not_there_is_not_found(jobs: Jobs) -> None:
    job = await jobs.create("true")
    for number in (0, 2, -1, 10**30):
        async with jobs.app.read(jobs.org) as session:
            with pytest.raises(JobNotFoundError):
                await find_job(session, jobs.org, "shell", number)
        async with jobs.app.write(jobs.org) as session:
            with pytest.raises(JobNotFoundError):
                await cancel_job(session, jobs.org, "shell", number)
    other = uuid7()
    async with jobs.app.write(other) as session:
        with pytest.raises(JobNotFoundError):
            await cancel_job(session, other, "shell", job.number)


async def test_wrong_parameters_and_unknown_workflows_are_refused_by_name(jobs: Jobs) -> None:
    async with jobs.app.write(jobs.org) as session:
        with pytest.raises(
            ParametersInvalidError, match=r"test\.shell: timeout: Input should be a valid number"
        ):
            await create_job(session, jobs.org, SHELL, {"timeout": "soon"})
        with pytest.raises(ParametersInvalidError, match="U\\+0000"):
            await create_job(session, jobs.org, SHELL, {"script": "echo \0"})
        with pytest.raises(ParametersInvalidError, match="U\\+0000"):
            await create_job(session, jobs.org, SHELL, {"script": "true"}, reference="\0")
        with pytest.raises(WorkflowUnknownError, match=r"test\.shell"):
            await create_job(session, jobs.org, "test.nothing", {})


async def test_big_numbers_and_odd_texts_come_back_word_for_word(jobs: Jobs) -> None:
    reference = "99999999999999999999 é \u0663 'quoted' " + "x" * 5000
    async with jobs.app.write(jobs.org) as session:
        job = await create_job(session, jobs.org, SHELL, {"memory": 10**25}, reference=reference)
    found = await jobs.look(job)
    assert (found.reference, found.parameters["memory"]) == (reference, 10**25)


async def test_a_hold_ends_everything_and_lets_what_comes_meanwhile_go_on_after_it(jobs: Jobs) -> None:
    async with jobs.running():
        running = await jobs.create(
            "trap '' TERM; echo up; sleep 60 & while :; do sleep 0.1; done", grace=0.2
        )
        await jobs.until_printed(running, b"up")
        waiting = await jobs.create("true")
        async with hold_queue(jobs.app, jobs.org, "shell") as numbers:
            assert numbers == [running.number, waiting.number]
            assert left_of(running) == []
            ended = await jobs.look(running)
            assert (ended.state, ended.signal) == (JobState.CANCELLED, 9)
            later = await jobs.create("true")
            await asyncio.sleep(0.3)  # longer than a runner needs to find it
            assert (await jobs.look(later)).state is JobState.PENDING
        assert (await jobs.ended(later)).state is JobState.COMPLETED


async def test_two_holds_wait_for_each_other(jobs: Jobs) -> None:
    order = []

    async def hold(name: str) -> None:
        async with hold_queue(jobs.app, jobs.org, "shell"):
            order.append(f"{name} in")
            await asyncio.sleep(0.1)
            order.append(f"{name} out")

    await asyncio.gather(hold("a"), hold("b"))
    assert [line[-3:].strip() for line in order] == ["in", "out", "in", "out"]
    async with hold_queue(jobs.app, jobs.org, "shell"):
        with pytest.raises(QueueBusyError, match="Somebody else holds"):
            async with hold_queue(jobs.app, jobs.org, "shell", patience=0.1):
                pass


async def test_a_hold_whose_holder_died_ends_with_its_lease(jobs: Jobs) -> None:
    async with jobs.app.write(jobs.org) as session:
        values = {"org": jobs.org, "lease": 600}
        await session.execute(text("SELECT * FROM job_hold(:org, 'shell', 'who died', :lease)"), values)
    async with jobs.running():
        job = await jobs.create("true")
        await asyncio.sleep(0.15)
        assert (await jobs.look(job)).state is JobState.PENDING
        async with jobs.system.write() as session:
            await session.execute(text("UPDATE job_queues SET hold_expires_at = now()"))
        assert (await jobs.ended(job)).state is JobState.COMPLETED


async def test_a_hold_that_loses_its_lease_ends_its_block(jobs: Jobs) -> None:
    async def robbed() -> None:
        async with hold_queue(jobs.app, jobs.org, "shell", lease=0.4):
            async with jobs.app.write(jobs.org) as session:
                await session.execute(
                    text("UPDATE job_queues SET hold_fence = hold_fence + 1, held_by = 'another'")
                )
            await asyncio.sleep(60)

    with pytest.raises(QueueHoldLostError):
        await robbed()


async def test_programs_that_do_not_end_make_a_hold_give_up(jobs: Jobs) -> None:
    go = jobs.folder / "go"
    async with jobs.running():
        job = await jobs.create(f"trap '' TERM; echo up; while ! [ -e {go} ]; do sleep 0.02; done", grace=60)
        await jobs.until_printed(job, b"up")
        with pytest.raises(
            QueueBusyError, match="1 cancelled programs of the queue 'shell' are still ending"
        ) as refused:
            async with hold_queue(jobs.app, jobs.org, "shell", patience=0.2):
                pytest.fail("something still runs")
        assert refused.value.details == {"cancelled": [job.number]}
        go.touch()
        await jobs.ended(job)


async def test_the_version_of_a_queue_rises_with_every_commit_that_moves_a_job(jobs: Jobs) -> None:
    async def version() -> int:
        return await queue_version(jobs.app, jobs.org, "shell")

    seen = [await version()]
    job = await jobs.create("true")
    seen.append(await version())
    async with jobs.running():
        await jobs.ended(job)
        seen.append(await version())
    later = await jobs.create("true")
    await jobs.cancel(later)
    seen.append(await version())
    assert seen == [0, 1, 3, 5]
    assert await queue_version(jobs.app, uuid7(), "shell") == 0
