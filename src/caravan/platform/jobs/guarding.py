"""Starting guardians, speaking with them, and cleaning up behind those that were killed."""

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

from caravan.platform.jobs.guardian.orders import MARK, Order, Report
from caravan.platform.jobs.output_files import OutputReader, Piece
from caravan.platform.jobs.policy import Policy
from caravan.platform.jobs.program import Program
from caravan.platform.jobs.steps import Claimed
from caravan.platform.jobs.sweeping import sweep

__all__ = ["Guarded", "Guardian", "Guards", "ProcessGuards", "guarded", "lease_end", "order_for", "report_in"]

_START: Final = Path(__file__).parent / "guardian" / "start.py"


class Guarded(Protocol):
    """One program that runs under its guardian."""

    def command(self, word: str) -> None:
        """Say ``cancel``, ``stop`` or ``kill``."""

    def renew(self, until: float) -> None:
        """Let it live on until this moment on the clock of `now`."""

    def fresh_output(self) -> list[Piece]:
        """Return what it has printed since this was last asked."""

    def progress(self) -> Any:  # noqa: ANN401 - any JSON
        """Return the newest progress when it has changed since this was last asked, else None."""

    async def ended(self) -> Report | None:
        """Wait until no process of it is left; None when the guardian was killed and could not report."""


class Guards(Protocol):
    """Who can start guardians. The real one starts processes; that of the tests keeps the same promises without."""

    async def start(self, job: Claimed, program: Program, until: float) -> Guarded:
        """Start a program under a new guardian."""

    async def recover(
        self,
        job: Claimed,
        take: Callable[[list[Piece]], Awaitable[None]],
        behind: Callable[[], Awaitable[int]],
    ) -> Report | None:
        """End what is left of a job whose holder died; returns how its program ended, if its guardian could say.

        ``take`` gets the output behind the position that ``behind`` tells.
        """

    def forget(self, job: Claimed) -> None:
        """Remove what is kept of a job on disk."""


def order_for(
    program: Program, folder: Path, policy: Policy, *, separate: bool, until: float | None
) -> Order:
    """Return what a guardian is told about a program."""
    return {
        "folder": str(folder),
        "command": [os.fspath(part) for part in program.command],
        "env": dict(program.env),
        "cwd": os.fspath(program.cwd) if program.cwd is not None else None,
        "input": program.input.decode("latin-1"),
        "timeout": program.timeout,
        "memory": program.memory,
        "grace": program.grace,
        "last_grace": min(program.grace, policy.last_grace),
        "output": program.output,
        "separate": separate,
        "until": until,
        "sample": policy.sample,
    }


class Guardian:
    """One guardian process; it ends its program when this object, or the process that has it, is gone."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._reader = OutputReader(folder, "output")
        self._progress = ""

    @classmethod
    async def start(cls, order: Order, mark: str) -> "Guardian":
        """Start a guardian with its order; ``mark`` names all processes below it."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(_START),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            env={MARK: mark, **_locale(os.environ)},
            start_new_session=True,
        )
        guardian = cls(process, Path(order["folder"]))
        guardian._write(json.dumps(order))
        return guardian

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def command(self, word: str) -> None:
        """Say ``cancel``, ``stop`` or ``kill``."""
        self._write(word)

    def renew(self, until: float) -> None:
        """Let it live on until this moment on the clock of `now`."""
        self._write(f"until {until:.3f}")

    def fresh_output(self) -> list[Piece]:
        """Return what it has printed since this was last asked."""
        return list(self._reader.fresh())

    def progress(self) -> Any:  # noqa: ANN401 - any JSON
        """Return the newest progress when it has changed since this was last asked, else None."""
        try:
            told = (self._folder / "progress.json").read_text(encoding="utf-8")
        except OSError:
            return None
        if told == self._progress:
            return None
        self._progress = told
        return json.loads(told)

    async def ended(self) -> Report | None:
        """Wait until no process of it is left; None when the guardian was killed and could not report."""
        await self._process.wait()
        self.close()
        return report_in(self._folder)

    def close(self) -> None:
        """Close the pipe, which ends what still runs."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _write(self, line: str) -> None:
        pipe = self._process.stdin
        if pipe is not None and not pipe.is_closing():
            with contextlib.suppress(OSError, RuntimeError):
                pipe.write(line.encode() + b"\n")


class ProcessGuards:
    """Guardians that are processes; each has a folder of its own below ``folder``."""

    def __init__(self, folder: Path, policy: Policy) -> None:
        self._folder = folder
        self._policy = policy

    async def start(self, job: Claimed, program: Program, until: float) -> Guardian:
        """Start a program under a new guardian."""
        folder = self._of(job.id)
        folder.mkdir(mode=0o700, parents=True)
        order = order_for(program, folder, self._policy, separate=False, until=until)
        return await Guardian.start(order, f"{job.id}:{job.fence}")

    async def recover(
        self,
        job: Claimed,
        take: Callable[[list[Piece]], Awaitable[None]],
        behind: Callable[[], Awaitable[int]],
    ) -> Report | None:
        """End what is left of a job whose holder died; returns how its program ended, if its guardian could say."""
        folder = self._of(job.id)
        await sweep(str(job.id), folder / "processes.json", patience=self._policy.recover_patience)
        if not folder.exists():
            return None
        reader = OutputReader(folder, "output", await behind())
        await take(list(reader.fresh()))
        return report_in(folder)

    def forget(self, job: Claimed) -> None:
        """Remove what is kept of a job on disk."""
        shutil.rmtree(self._of(job.id), ignore_errors=True)

    def _of(self, job: UUID) -> Path:
        return self._folder / "running" / str(job)


@contextlib.asynccontextmanager
async def guarded(order: Order, mark: str) -> AsyncIterator[Guardian]:
    """Start a guardian that ends its program when the block is left."""
    guardian = await Guardian.start(order, mark)
    try:
        yield guardian
    finally:
        guardian.close()
        await asyncio.shield(guardian.ended())


def report_in(folder: Path) -> Report | None:
    """Return the report in a guardian's folder, None when there is none that can be read."""
    try:
        report: Report = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return report


def _locale(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in environment.items() if name in {"LANG", "LC_ALL", "LC_CTYPE", "TMPDIR"}
    }


def lease_end(begun: float, policy: Policy) -> float:
    """Return until when a program may live whose lease was asked for at ``begun``, both on the clock of `now`."""
    return begun + policy.lease - policy.margin
