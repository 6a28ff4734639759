"""Turning due slots into events, once each, with any number of tickers."""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import text

from caravan.core.clock import Clock, utc_now
from caravan.core.database import Database
from caravan.core.outbox.emit import emit
from caravan.core.outbox.heartbeats import beat
from caravan.core.outbox.trouble import TROUBLE, in_short
from caravan.core.principal import Principal, PrincipalKind
from caravan.core.schedules.registry import Schedule, schedules

__all__ = ["Ticker"]

log = structlog.get_logger(__name__)

_LONGEST_PAUSE: Final = 5.0
_CLAIM = text(
    "INSERT INTO scheduled_runs (name, due_at) VALUES (:name, :due_at) ON CONFLICT DO NOTHING RETURNING name"
)


class Ticker:
    """``database`` is in the system's role; ``clock`` says what time it is."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock = utc_now,
        which: Callable[[], Sequence[Schedule]] = schedules,
    ) -> None:
        self._database = database
        self._clock = clock
        self._which = which
        self._claimed: dict[str, datetime] = {}
        self._process = f"{socket.gethostname()}:{os.getpid()}"

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until told to stop; a lost database is waited for."""
        while not stop.is_set():
            try:
                await self.tick()
            except TROUBLE as error:
                log.warning("schedules.trouble", reason=in_short(error))
            try:
                async with asyncio.timeout(self._pause()):
                    await stop.wait()
            except TimeoutError:
                continue

    async def tick(self) -> int:
        """Write the events of all slots that are due and unclaimed; returns how many."""
        now = self._clock()
        written = 0
        for entry in self._which():
            written += await self._claim(entry, entry.slot(now))
        async with self._database.write() as session:
            await beat(session, "schedules", "schedules", self._process)
        return written

    async def _claim(self, entry: Schedule, slot: datetime) -> int:
        if self._claimed.get(entry.name) == slot:
            return 0
        async with self._database.write() as session:
            won = await session.scalar(_CLAIM, {"name": entry.name, "due_at": slot})
            if won:
                principal = Principal(PrincipalKind.SERVICE, name=f"schedule {entry.name}")
                await emit(session, entry.event, {"due_at": slot}, principal=principal)
        self._claimed[entry.name] = slot
        return int(won is not None)

    def _pause(self) -> float:
        shortest = min((entry.every.total_seconds() for entry in self._which()), default=_LONGEST_PAUSE)
        return min(_LONGEST_PAUSE, shortest / 2)
