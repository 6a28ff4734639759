"""Runs jobs: takes slots by lease, starts what is next in each queue, and ends what has to end."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog

from caravan.core.database import Database
from caravan.core.outbox import TROUBLE, in_short
from caravan.core.outbox.listening import Doorbell
from caravan.platform.jobs.guardian.orders import now
from caravan.platform.jobs.guarding import Guards, lease_end
from caravan.platform.jobs.holder import Holder, dead_holders
from caravan.platform.jobs.metrics import DEPTH
from caravan.platform.jobs.one_run import OneRun, Parts
from caravan.platform.jobs.output import OutputKeeper
from caravan.platform.jobs.planning import Planner
from caravan.platform.jobs.policy import Policy
from caravan.platform.jobs.steps import Claimed, Steps

__all__ = ["CHANNEL", "Runner"]

log = structlog.get_logger(__name__)

CHANNEL: Final = "caravan_jobs"
_LONGEST_PAUSE: Final = 5.0


class Runner:
    """One of any number of processes that run jobs; ``database`` is in the system's role.

    ``folder`` is where guardians write and holders have their locks; processes on one machine share it.
    """

    def __init__(
        self, database: Database, folder: Path, guards: Guards, planner: Planner, policy: Policy
    ) -> None:
        self._folder = folder
        self._policy = policy
        self._holder = Holder(folder)
        self._steps = Steps(database, self._holder.name, policy.lease)
        self._parts = Parts(self._steps, guards, planner, OutputKeeper(database), policy)
        self._doorbell = Doorbell(database, CHANNEL)
        self._runs: dict[UUID, OneRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ring = asyncio.Event()
        self._closing = asyncio.Event()
        self._looked_for_dead = float("-inf")

    @property
    def name(self) -> str:
        """Its name as the slots have it."""
        return self._holder.name

    async def run(self, stop: asyncio.Event) -> None:
        """Run jobs until told to stop; then end what runs. A lost database is waited for."""
        with contextlib.suppress(*TROUBLE):
            await self._doorbell.listen()  # here, where nobody cancels a connection in the making
        beating = asyncio.create_task(self._beat())
        beside = [asyncio.create_task(each) for each in (self._listen(), self._ring_at(stop))]
        troubles = 0
        try:
            while not stop.is_set():
                self._ring.clear()
                try:
                    await self._turn()
                    troubles = 0
                    pause = self._policy.poll
                except TROUBLE as error:
                    troubles += 1
                    pause = min(0.1 * 2**troubles, _LONGEST_PAUSE)
                    log.warning("jobs.trouble", reason=in_short(error), times=troubles)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._ring.wait()
            await self._stop_all()
        finally:
            self._closing.set()
            await _cancelled([*beside, *self._tasks])
            await beating  # not cancelled: a connection in the making would be left open
            await self._doorbell.close()
            self._holder.close()

    async def _turn(self) -> None:
        for job in await self._steps.cancelled():
            if job in self._runs:
                self._runs[job].ask("cancel")
        if now() - self._looked_for_dead >= self._policy.poll:
            await self._look_for_dead()
        while len(self._runs) < self._policy.at_once:
            begun = now()
            job_claimed = await self._steps.claim()
            if job_claimed is None:
                return
            self._begin(job_claimed, begun, OneRun.run)

    async def _look_for_dead(self) -> None:
        holders = await self._steps.holders()
        others = [name for name, _ in holders if name != self.name]
        dead = await asyncio.to_thread(dead_holders, self._folder, others)
        while dead or any(overdue for _, overdue in holders):
            begun = now()
            job = await self._steps.take_over(dead, list(self._runs))
            if job is None:
                break
            self._begin(job, begun, OneRun.recover)
        self._looked_for_dead = now()
        for queue, pending, running in await self._steps.depths():
            DEPTH.labels(queue, "pending").set(pending)
            DEPTH.labels(queue, "running").set(running)

    def _begin(self, job: Claimed, begun: float, what: Callable[[OneRun], Coroutine[Any, Any, None]]) -> None:
        run = OneRun(job, self._parts, lease_end(begun, self._policy))
        self._runs[job.id] = run
        task = asyncio.create_task(self._looked_after(run, what))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _looked_after(self, run: OneRun, what: Callable[[OneRun], Coroutine[Any, Any, None]]) -> None:
        try:
            await what(run)
        except Exception:
            log.exception("jobs.run_broken", job_id=str(run.job.id))
        finally:
            self._runs.pop(run.job.id, None)
            self._ring.set()

    async def _stop_all(self) -> None:
        for run in list(self._runs.values()):
            run.ask("stop")
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _beat(self) -> None:
        while not await self._closing_within(self._policy.heartbeat):
            mine = dict(self._runs)
            if not mine:
                continue
            begun = now()
            try:
                held = {each.job: each for each in await self._steps.renew()}
            except TROUBLE as error:  # each guardian ends its program when its lease does
                log.warning("jobs.lease_trouble", reason=in_short(error))
                continue
            for job, run in mine.items():
                if (found := held.get(job)) is None or found.fence != run.job.fence:
                    run.ask("kill")
                    continue
                run.renew(begun)
                if found.cancelled:
                    run.ask("cancel")

    async def _closing_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._closing.wait()
        except TimeoutError:
            return False

    async def _listen(self) -> None:
        while True:
            try:
                await self._doorbell.listen()
                if await self._doorbell.rung(self._policy.poll):
                    self._ring.set()
            except TROUBLE:  # polling does without
                await asyncio.sleep(self._policy.poll)

    async def _ring_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._ring.set()


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
