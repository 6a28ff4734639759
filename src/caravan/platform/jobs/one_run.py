"""One job from its slot to its end."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Final

import asyncpg
import structlog

from caravan.core.errors import CaravanError
from caravan.core.outbox import TROUBLE, in_short
from caravan.platform.jobs.guardian.orders import Report, now
from caravan.platform.jobs.guarding import Guarded, Guards, lease_end
from caravan.platform.jobs.job import JobState
from caravan.platform.jobs.metrics import FINISHED_JOBS, RUN_SECONDS, WAIT_SECONDS
from caravan.platform.jobs.outcomes import NEVER_STARTED, finish_of, launch_failed, lost
from caravan.platform.jobs.output import OutputKeeper
from caravan.platform.jobs.output_files import Piece
from caravan.platform.jobs.planning import Planner
from caravan.platform.jobs.policy import Policy
from caravan.platform.jobs.program import DEFAULT_OUTPUT, Program
from caravan.platform.jobs.steps import Claimed, Finish, Steps

__all__ = ["OneRun", "Parts"]

log = structlog.get_logger(__name__)

_LONGEST_PAUSE: Final = 5.0
_PATIENCE_AT_THE_END: Final = 5.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What every run needs."""

    steps: Steps
    guards: Guards
    planner: Planner
    output: OutputKeeper
    policy: Policy


@dataclass(slots=True)
class OneRun:
    """Looks after one job: what is asked of it while it runs, and that its end is written."""

    job: Claimed
    parts: Parts
    until: float
    _guarded: Guarded | None = field(default=None, init=False)
    _word: str | None = field(default=None, init=False)
    _kept: int = field(default=DEFAULT_OUTPUT, init=False)
    _unkept: list[Piece] = field(default_factory=list, init=False)

    def renew(self, begun: float) -> None:
        """Let it live on for a lease that was asked for at ``begun``."""
        self.until = lease_end(begun, self.parts.policy)
        if self._guarded is not None:
            self._guarded.renew(self.until)

    def ask(self, word: str) -> None:
        """Have it end: ``cancel``, ``stop``, or ``kill`` when the slot is not ours any more."""
        if word != self._word:
            self._word = word
            if self._guarded is not None:
                self._guarded.command(word)

    async def run(self) -> None:
        """Run the job to its end, and write it."""
        log.info("job.started", **self._names())
        WAIT_SECONDS.labels(self.job.queue).observe(self.job.waited)
        end = await self._done()
        if end.state is JobState.COMPLETED:
            await self._look_at_what_it_left()
        await self._write(end)

    async def _look_at_what_it_left(self) -> None:
        try:
            doubt = await asyncio.to_thread(self.parts.planner.doubt, self.job)
        except Exception as error:  # noqa: BLE001 - the job has done its work, whatever the look at it meets
            doubt = f"What the job left could not be looked at: {in_short(error)}"
        if doubt is not None:
            log.warning("job.doubtful", doubt=doubt, **self._names())

    async def recover(self) -> None:
        """Write the end of a job whose holder died, when nothing of it is left."""
        log.warning("job.recovering", **self._names())
        report = await self._recovered()
        await self._write(lost() if report is None else finish_of(report))

    async def _done(self) -> Finish:
        try:
            program = self.parts.planner.program(self.job)
        except CaravanError as refused:
            return launch_failed(refused.message)
        except Exception as error:  # a workflow's own code: whatever it raises ends this job, not the others
            log.exception("job.plan_failed", **self._names())
            return launch_failed(in_short(error))
        self._kept = program.output
        if self._word is not None:
            return (
                finish_of({"reason": "stopped", "exit_code": None}) if self._word == "stop" else NEVER_STARTED
            )
        try:
            return await self._guarded_run(program)
        except OSError as error:
            return launch_failed(str(error))

    async def _guarded_run(self, program: Program) -> Finish:
        guarded = await self.parts.guards.start(self.job, program, self.until)
        self._guarded = guarded
        guarded.renew(self.until)
        if self._word is not None:
            guarded.command(self._word)
        over = asyncio.Event()
        pumping = asyncio.create_task(self._pump(guarded, over))
        try:
            report = await guarded.ended()
        finally:
            over.set()
        await pumping
        if report is None:  # its guardian was killed, and could end nobody
            report = await self._recovered()
        return finish_of(report, program)

    async def _recovered(self) -> Report | None:
        pause = 0.1
        while True:
            try:
                return await self.parts.guards.recover(self.job, self._keep, self._behind)
            except TROUBLE as error:
                log.warning("job.recover_trouble", reason=in_short(error), **self._names())
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _pump(self, guarded: Guarded, over: asyncio.Event) -> None:
        last = False
        while not last:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.parts.policy.output_every):
                    await over.wait()
            last = over.is_set()
            try:
                await self._move(guarded)
            except TROUBLE as error:
                log.warning("job.output_trouble", reason=in_short(error), **self._names())

    async def _move(self, guarded: Guarded) -> None:
        if not self._unkept:
            self._unkept = await asyncio.to_thread(guarded.fresh_output)
        await self._keep(self._unkept)
        self._unkept = []
        progress = guarded.progress()
        if progress is not None:
            await self.parts.steps.show_progress(self.job, progress)

    async def _keep(self, pieces: list[Piece]) -> None:
        await self.parts.output.keep(self.job.org, self.job.id, pieces, self._kept)

    async def _behind(self) -> int:
        return await self.parts.output.behind(self.job.org, self.job.id)

    async def _write(self, end: Finish) -> None:
        """Write the end, as often as it takes; when the service is stopping, whoever comes next finds the report."""
        state = await self._finished_at_last(end)
        if state is None:
            log.warning("job.lease_lost", **self._names())
            return
        self.parts.guards.forget(self.job)
        self._tell(state, end)

    async def _finished_at_last(self, end: Finish) -> JobState | None:
        deadline, pause = None, 0.1
        while True:
            try:
                return await self._finished(end)
            except TROUBLE as error:
                log.warning("job.finish_trouble", reason=in_short(error), **self._names())
            if self._word == "stop":
                deadline = deadline or now() + _PATIENCE_AT_THE_END
                if now() > deadline:
                    return None
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _finished(self, end: Finish) -> JobState | None:
        try:
            return await self.parts.steps.finish(self.job, end)
        except asyncpg.DataError as error:  # what the program told cannot be kept; that it ended can
            log.warning("job.result_refused", reason=in_short(error), **self._names())
            told = f"The job's result cannot be kept: {in_short(error)}"
            bare = Finish(
                end.state, end.reason, error=end.error or told, exit_code=end.exit_code, signal=end.signal
            )
            return await self.parts.steps.finish(self.job, bare)

    def _tell(self, state: JobState, end: Finish) -> None:
        reason = str(end.reason) if state is not JobState.CANCELLED else "cancelled"
        FINISHED_JOBS.labels(self.job.queue, str(state), reason).inc()
        if end.duration_ms is not None:
            RUN_SECONDS.labels(self.job.queue).observe(end.duration_ms / 1000)
        word = {JobState.COMPLETED: "job.completed", JobState.CANCELLED: "job.cancelled"}.get(
            state, "job.failed"
        )
        log.info(
            word,
            reason=reason,
            exit_code=end.exit_code,
            duration_ms=end.duration_ms,
            peak_memory=end.peak_memory,
            error=end.error,
            **self._names(),
        )

    def _names(self) -> dict[str, object]:
        return {
            "job_id": str(self.job.id),
            "number": self.job.number,
            "queue": self.job.queue,
            "workflow": self.job.workflow,
            "reference": self.job.reference,
            "org_id": str(self.job.org),
        }
