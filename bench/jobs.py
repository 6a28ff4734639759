"""Histories of jobs with real programs and real kills: every job ends, in the right state, and no process is left.

Each history is an organisation with a queue of its own: jobs are created, cancelled and cleared at random moments, while
services, guardians and programs are killed with SIGKILL. All follows from one seed but the timing.
"""

import argparse
import asyncio
import contextlib
import os
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from bench.job_programs import LINE
from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.database.migrate import migrate
from caravan.core.embedded.servers import embedded_servers
from caravan.core.ids import uuid7
from caravan.core.settings import Settings
from caravan.core.telemetry.logs import configure_logs
from caravan.platform.jobs import (
    Job,
    JobNotCancellableError,
    JobState,
    QueueBusyError,
    Reason,
    cancel_job,
    create_job,
    hold_queue,
    list_jobs,
)
from caravan.platform.jobs.policy import Policy
from caravan.platform.jobs.process import JobsPlan

__all__ = ["Campaign", "Outcome", "run"]

_POLICY: Final = Policy(
    lease=6, margin=2, poll=0.2, at_once=6, sample=0.2, output_every=0.2, last_grace=0.2, recover_patience=2
)
_ROOT: Final = Path(__file__).parents[1]
_HISTORIES: Final = 1000
_AT_ONCE: Final = 50
_DAEMON: Final = "(trap '' TERM; exec setsid sleep 30) & "
_SCRIPTS: Final[Sequence[tuple[str, int]]] = (
    ("exit 0", 0),
    ("exit 3", 3),
    ("sleep 0.2", 0),
    ("sleep 0.3; exit 3", 3),
    (f"{_DAEMON} sleep 0.1", 0),
    ("trap '' TERM; sleep 0.3; sleep 0.3", 0),
)


@dataclass
class Outcome:
    """``problems`` is empty when all went well; ``left`` counts processes that outlived their job."""

    seed: int
    histories: int = 0
    jobs: int = 0
    seconds: float = 0.0
    left: int = 0
    states: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


@dataclass
class Asked:
    """What was asked of one job; ``marker`` gets a line each time its program runs."""

    code: int
    marker: Path
    cancelled: bool = False


class Campaign:
    """``services`` processes run jobs on this database; they are killed and started again."""

    def __init__(self, address: DatabaseAddress, home: Path, seed: int, *, services: int = 2) -> None:
        self._address = address
        self._home = home
        self._dice = random.Random(seed)
        self._app = Database(address, role=Role.APP, pool=8, read_pool=2)
        self._system = Database(address, role=Role.SYSTEM, pool=1, read_pool=2)
        self._services = [self._service() for _ in range(services)]
        self._seen: set[str] = set()
        self.outcome = Outcome(seed)

    async def run(self, histories: int, *, patience: float = 120) -> Outcome:
        """Live so many histories, then wait until every job has ended, and judge."""
        begun = time.monotonic()
        killing = asyncio.create_task(self._kill_now_and_then())
        room = asyncio.Semaphore(_AT_ONCE)
        try:
            lived = await asyncio.gather(*(self._history(room) for _ in range(histories)))
            await self._settled(killing, sum(len(asked) for _, asked in lived), patience)
        finally:
            killing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await killing
            for service in self._services:
                service.terminate()
            for service in self._services:
                service.wait(20)
        for org, asked in lived:
            await self._judge(org, asked)
        self.outcome.histories = histories
        self.outcome.left = len(self._processes(b"sleep")) + len(self._processes(b"guardian/start.py"))
        self.outcome.seconds = round(time.monotonic() - begun, 1)
        await self._app.close()
        await self._system.close()
        return self.outcome

    async def _history(self, room: asyncio.Semaphore) -> tuple[UUID, dict[int, Asked]]:
        org, dice, asked = uuid7(), random.Random(self._dice.random()), {}
        async with room:
            for _ in range(dice.randint(1, 3)):
                job, told = await self._create(org, dice)
                asked[job.number] = told
                await asyncio.sleep(dice.choice((0, 0.1, 0.4)))
                if dice.random() < 0.4:
                    await self._cancel(org, dice.choice(list(asked)), asked)
            if dice.random() < 0.1:
                await self._clear(org, asked)
        return org, asked

    async def _create(self, org: UUID, dice: random.Random) -> tuple[Job, Asked]:
        script, code = dice.choice(_SCRIPTS)
        marker = self._home / f"ran-{uuid7()}"
        async with self._app.write(org) as session:
            job = await create_job(session, org, LINE, {"script": f"echo x >> {marker}; {script}"})
        return job, Asked(code, marker)

    async def _cancel(self, org: UUID, number: int, asked: dict[int, Asked]) -> None:
        with contextlib.suppress(JobNotCancellableError):
            async with self._app.write(org) as session:
                await cancel_job(session, org, LINE.queue, number)
            asked[number].cancelled = True

    async def _clear(self, org: UUID, asked: dict[int, Asked]) -> None:
        with contextlib.suppress(QueueBusyError):  # judged below: then they are cancelled all the same
            async with hold_queue(self._app, org, LINE.queue, patience=60) as numbers:
                for number in numbers:
                    asked[number].cancelled = True

    # --- kills

    def _service(self) -> subprocess.Popen[bytes]:
        settings = Settings(environment="test", home=self._home, log_level="error")
        plan = JobsPlan(settings, self._address, ("bench.job_programs",), _POLICY)
        process = subprocess.Popen(
            [sys.executable, "-m", "caravan.platform.jobs.process"],
            stdin=subprocess.PIPE,
            cwd=_ROOT,
            start_new_session=True,
        )
        assert process.stdin is not None
        with process.stdin as pipe:
            pipe.write(pickle.dumps(plan))
        return process

    async def _kill_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self._dice.uniform(0.3, 0.9))
            way = self._dice.choices(("service", "guardian", "program"), (2, 3, 3))[0]
            if way == "service":
                old = self._services.pop(0)
                old.kill()
                old.wait()
                self._services.append(self._service())
                self.outcome.kills[way] += 1
                await asyncio.sleep(1.5)  # until the new one has begun
                continue
            found = self._processes(b"guardian/start.py" if way == "guardian" else b"sleep")
            if found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._dice.choice(found), signal.SIGKILL)
                    self.outcome.kills[way] += 1

    def _processes(self, word: bytes) -> list[int]:
        """Return the processes with this word on their command line that belong to jobs of this campaign."""
        found = []
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if (
                    folder.name.isdigit()
                    and word in (folder / "cmdline").read_bytes()
                    and self._is_ours((folder / "environ").read_bytes())
                ):
                    found.append(int(folder.name))
        return found

    def _is_ours(self, environment: bytes) -> bool:
        marks = [part for part in environment.split(b"\0") if part.startswith(b"CARAVAN_JOB=")]
        return bool(marks) and marks[0].removeprefix(b"CARAVAN_JOB=").split(b":")[0].decode() in self._ids

    @property
    def _ids(self) -> set[str]:
        with contextlib.suppress(FileNotFoundError):
            self._seen.update(path.name for path in (self._home / "jobs" / "running").iterdir())
        return self._seen

    # --- the reckoning

    async def _settled(self, killing: asyncio.Task[None], jobs: int, patience: float) -> None:
        """Wait until all have ended; nobody is killed any more over the last quarter of them."""
        deadline = time.monotonic() + patience
        while left := await self._system.fetch_value("SELECT count(*) FROM jobs WHERE ended_at IS NULL"):
            if left < jobs / 4:
                killing.cancel()
            if time.monotonic() > deadline:
                return  # the judge says which
            await asyncio.sleep(0.1)

    async def _judge(self, org: UUID, asked: dict[int, Asked]) -> None:
        async with self._app.read(org) as session:
            found = {job.number: job for job in await list_jobs(session, org, LINE.queue, 1000)}
        if sorted(found) != list(range(1, len(asked) + 1)):
            self.outcome.problems.append(f"{org}: jobs {sorted(found)} of {sorted(asked)}")
        for number, job in found.items():
            self.outcome.jobs += 1
            self.outcome.states[f"{job.state} {job.reason}"] += 1
            if told := _wrong(job, asked[number]):
                self.outcome.problems.append(f"{org} {number}: {told}")


def _wrong(job: Job, asked: Asked) -> str:
    runs = len(asked.marker.read_text(encoding="utf-8").split()) if asked.marker.exists() else 0
    by_signal = job.exit_code is not None and (job.exit_code < 0 or job.exit_code > 128)
    fair = JobState.COMPLETED if asked.code == 0 else JobState.FAILED
    if job.ended_at is None or job.state in {JobState.PENDING, JobState.RUNNING}:
        return f"stuck as {job.state}"
    if runs > 1:
        return f"ran {runs} times"
    if asked.cancelled != (job.state is JobState.CANCELLED):
        return f"is {job.state} ({job.reason}), cancelled: {asked.cancelled}"
    if job.state is JobState.COMPLETED and runs != 1:
        return "completed without having run"
    if job.reason is Reason.EXIT and not by_signal and job.state is not fair:
        return f"is {job.state} with {job.exit_code}, asked for {asked.code}"
    return ""


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the whole campaign: ``--scale`` histories, a thousand unless given."""
    configure_logs(level="error", style="json")
    seed = random.SystemRandom().randrange(2**32)
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_servers(
            Path(folder) / "servers", want_postgres=True, want_valkey=False, durable=False
        ) as servers,
    ):
        assert servers.postgres is not None
        address = DatabaseAddress.parse(servers.postgres.dsn())
        migrate(address)
        home = Path(folder) / "home"
        home.mkdir()
        outcome = asyncio.run(_campaign(address, home, seed, arguments.scale or _HISTORIES))
    return vars(outcome) | {"states": dict(outcome.states), "kills": dict(outcome.kills)}


async def _campaign(address: DatabaseAddress, home: Path, seed: int, histories: int) -> Outcome:
    return await Campaign(address, home, seed).run(histories, patience=60 + histories)
