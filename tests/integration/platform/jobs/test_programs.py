"""Programs of every temper under a real guardian: what becomes of the job, and that nothing of it stays."""

import asyncio
import os
import signal
import time

import pytest
from prometheus_client import REGISTRY

from caravan.platform.jobs import JobState, Reason
from caravan.platform.jobs.guardian.processes import table
from caravan.platform.jobs.sweeping import marked
from tests.fixtures.job_workflows import BROKEN, REFUSING
from tests.integration.platform.jobs.conftest import Jobs, left_of

pytestmark = pytest.mark.asyncio

DAEMON = (
    "(setsid $PYTHON -c 'import os, signal, time; signal.signal(15, signal.SIG_IGN);"
    ' os.fork() and os._exit(0); print("daemon", flush=True); open("up", "w"); time.sleep(60)\' &) ; '
)


async def test_a_program_that_ends_well_completes_its_job(jobs: Jobs) -> None:
    async with jobs.running():
        job = await jobs.ended(await jobs.create("echo hello; echo trouble >&2"))
    assert (job.state, job.reason, job.exit_code, job.error) == (JobState.COMPLETED, Reason.EXIT, 0, None)
    assert job.started_at
    assert job.finished_at
    assert job.duration_ms is not None
    assert job.peak_memory
    assert (job.reference, job.output_bytes) == ("report 7", 14)
    assert await jobs.printed(job) == b"hello\ntrouble\n"


async def test_jobs_are_counted_and_their_times_measured(jobs: Jobs) -> None:
    def figure(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, {"queue": "shell", **labels}) or 0

    ended = {"state": "failed", "reason": "exit"}
    before = figure("caravan_jobs_finished_total", **ended)
    waits, runs = figure("caravan_jobs_wait_seconds_count"), figure("caravan_jobs_run_seconds_count")
    go = jobs.folder / "go"
    async with jobs.running():
        script = f"while ! [ -e {go} ]; do sleep 0.02; done; exit 1"
        waiting = [await jobs.create(script), await jobs.create("true")]
        await _until(lambda: figure("caravan_jobs_depth", state="running") == 1)
        go.touch()
        await jobs.ended(waiting[1])
    assert figure("caravan_jobs_finished_total", **ended) == before + 1
    assert figure("caravan_jobs_wait_seconds_count") == waits + 2
    assert figure("caravan_jobs_run_seconds_count") == runs + 2


async def test_a_program_that_fails_fails_its_job_with_its_code(jobs: Jobs) -> None:
    async with jobs.running():
        job = await jobs.ended(await jobs.create("exit 3"))
    assert (job.state, job.reason, job.exit_code, job.signal) == (JobState.FAILED, Reason.EXIT, 3, None)
    assert job.error is None


async def test_a_program_killed_from_outside_fails_with_its_signal(jobs: Jobs) -> None:
    async with jobs.running():
        job = await jobs.ended(await jobs.create("kill -SEGV $$"))
    assert (job.state, job.exit_code, job.signal) == (JobState.FAILED, -signal.SIGSEGV, signal.SIGSEGV)


async def test_an_absent_program_fails_the_launch_as_subprocess_would_say(jobs: Jobs) -> None:
    async with jobs.running():
        job = await jobs.ended(await jobs.create(command=["/nowhere/bin/python", "x"]))
    assert (job.state, job.reason, job.exit_code) == (JobState.FAILED, Reason.LAUNCH, None)
    assert job.error == "[Errno 2] No such file or directory: '/nowhere/bin/python'"
    assert job.started_at is not None


async def test_an_absent_folder_fails_the_launch(jobs: Jobs) -> None:
    async with jobs.running():
        job = await jobs.ended(await jobs.create("true", cwd="/nowhere"))
    assert (job.reason, job.error) == (Reason.LAUNCH, "[Errno 2] No such file or directory: '/nowhere'")


async def test_a_workflow_that_refuses_or_breaks_fails_the_job_and_not_the_next(jobs: Jobs) -> None:
    async with jobs.running():
        refused = await jobs.create("true", workflow=REFUSING)
        broken = await jobs.create("true", workflow=BROKEN)
        last = await jobs.ended(await jobs.create("true"))
        refused, broken = await jobs.look(refused), await jobs.look(broken)
    assert (refused.state, refused.reason) == (JobState.FAILED, Reason.LAUNCH)
    assert (refused.error, refused.exit_code) == ("Missing environment variables for the test", None)
    assert broken.error == "a mistake of the workflow's own"
    assert last.state is JobState.COMPLETED


async def test_a_program_that_takes_too_long_is_ended_by_sigterm(jobs: Jobs) -> None:
    async with jobs.running():
        job = await jobs.ended(await jobs.create("exec sleep 60", timeout=0.3))
    assert (job.state, job.reason, job.exit_code) == (JobState.FAILED, Reason.TIMEOUT, -signal.SIGTERM)
    assert job.error == "The program was ended after 0.3 seconds: it took too long."


async def test_a_program_that_ignores_sigterm_is_killed_after_its_grace(jobs: Jobs) -> None:
    async with jobs.running():
        job = await jobs.ended(
            await jobs.create(
                command=["/usr/bin/env", "sh", "-c", "trap '' TERM; echo up; while :; do sleep 60; done"],
                timeout=1.0,  # time enough for a busy machine to come to the trap
                grace=0.3,
            )
        )
    assert (job.state, job.exit_code, job.signal) == (JobState.FAILED, -signal.SIGKILL, signal.SIGKILL)
    assert job.duration_ms is not None
    assert job.duration_ms >= 1300
    assert left_of(job) == []


async def test_what_a_program_leaves_behind_ends_with_it_even_in_sessions_of_its_own(jobs: Jobs) -> None:
    async with jobs.running():
        wait = "while ! [ -e up ]; do sleep 0.02; done"
        job = await jobs.create(DAEMON + wait, grace=0.2, cwd=str(jobs.folder))
        job = await jobs.ended(job)
        assert left_of(job) == []
        assert b"daemon" in await jobs.printed(job)
    assert (job.state, job.exit_code) == (JobState.COMPLETED, 0)


async def test_a_cancelled_program_ends_with_every_process_it_made(jobs: Jobs) -> None:
    async with jobs.running():
        job = await jobs.create(
            DAEMON + "sleep 60 & sleep 60 & echo ready; wait", grace=0.2, cwd=str(jobs.folder)
        )
        await jobs.until_printed(job, b"daemon", b"ready")
        assert len(left_of(job)) >= 4
        cancelled = await jobs.cancel(job)
        assert cancelled.state is JobState.CANCELLED
        ended = await jobs.ended(job)
    assert left_of(job) == []
    assert (ended.state, ended.reason, ended.finished_at) == (
        JobState.CANCELLED,
        Reason.CANCELLED,
        cancelled.finished_at,
    )
    assert ended.exit_code == -signal.SIGTERM


async def test_a_program_that_sheds_its_environment_is_found_when_its_guardian_was_killed(jobs: Jobs) -> None:
    async with jobs.running():
        job = await jobs.create("env -i sh -c 'setsid sleep 61 & echo bare; sleep 61'; wait", grace=0.2)
        await jobs.until_printed(job, b"bare")
        known = jobs.folder / "running" / str(job.id) / "processes.json"
        await _until(lambda: len(known.read_text(encoding="utf-8").split("],")) >= 4)
        everybody = marked(str(job.id), known)
        guardian = min(each.pid for each in everybody if _is_guardian(each.pid))
        os.kill(guardian, signal.SIGKILL)
        ended = await jobs.ended(job)
        assert marked(str(job.id), None) == []
        assert not [each for each in everybody if _lives(each.pid, each.started)]
    assert (ended.state, ended.reason) == (JobState.FAILED, Reason.WORKER_LOST)
    assert ended.error == "The guardian of this job was killed; its processes were ended."


async def test_the_memory_of_all_processes_together_is_limited(jobs: Jobs) -> None:
    eater = "$PYTHON -c 'import time; x = bytearray(60_000_000); time.sleep(60)'"
    async with jobs.running():
        job = await jobs.ended(await jobs.create(f"{eater} & {eater} & wait", memory=100_000_000))
    assert (job.state, job.reason) == (JobState.FAILED, Reason.MEMORY)
    assert job.error == "The program was ended: it used more memory than 100000000 bytes."
    assert job.peak_memory is not None
    assert job.peak_memory > 100_000_000


async def test_a_flood_of_output_is_kept_at_both_ends_and_counted(jobs: Jobs) -> None:
    async with jobs.running():
        job = await jobs.ended(
            await jobs.create("echo first; yes | head -c 8000000; echo last", output=20_000)
        )
        printed = await jobs.printed(job)
    assert job.state is JobState.COMPLETED
    assert job.output_bytes == 8_000_011
    assert printed.startswith(b"first\ny\n")
    assert printed.endswith(b"y\nlast\n")
    assert 20_000 <= len(printed) <= 200_000


async def test_binary_output_is_kept_byte_for_byte(jobs: Jobs) -> None:
    async with jobs.running():
        job = await jobs.ended(await jobs.create(r"printf '\000\377\n\200%s' end"))
        assert await jobs.printed(job) == b"\x00\xff\n\x80end"


async def test_output_can_be_read_while_the_program_runs(jobs: Jobs) -> None:
    async with jobs.running():
        job = await jobs.create("echo early; exec sleep 60")
        await jobs.until_printed(job, b"early")
        assert (await jobs.look(job)).state is JobState.RUNNING
        await jobs.cancel(job)
        await jobs.ended(job)


async def test_a_program_that_forks_without_end_is_stopped_before_it_is_killed(jobs: Jobs) -> None:
    bomb = (
        "import os, signal, time\nsignal.signal(15, signal.SIG_IGN)\nend = time.time() + 20\n"
        "while time.time() < end:\n    time.sleep(0.02)\n    if os.fork() == 0:\n        os.setsid()\n"
        "        [time.sleep(0.02) for _ in range(40)]\n        os._exit(0)\n"
    )
    async with jobs.running():
        job = await jobs.create(
            command=["/usr/bin/env", "sh", "-c", f'exec $PYTHON -c "{bomb}"'], timeout=0.5, grace=0.1
        )
        job = await jobs.ended(job)
    assert job.reason is Reason.TIMEOUT
    assert left_of(job) == []


async def _until(holds) -> None:
    deadline = time.monotonic() + 40
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def _is_guardian(pid: int) -> bool:
    with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123 - a pseudo file
        return b"guardian/start.py" in file.read()


def _lives(pid: int, started: int) -> bool:
    found = table().get(pid)
    return found is not None and found.started == started and not found.dead
