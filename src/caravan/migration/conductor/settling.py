"""Cutovers that a crash cut short are settled without anybody typing: undone before their flip, finished behind it."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

import psycopg
import structlog

from caravan.core.errors import CaravanError
from caravan.migration.conductor.alerts import Alarm
from caravan.migration.units import Moved

__all__ = ["Settle", "Settling"]

log = structlog.get_logger(__name__)

Settle: TypeAlias = Callable[[], Sequence[Moved]]
"""Settles what nobody is at and returns what it did; see ``cutover.recovery``. It may take as long as stores and gateways need."""

_EVERY: Final = 10.0
_AGAIN: Final = 1.0


class Settling:
    """Settles at the start, and looks again from time to time: commands may die while the conductor lives.

    What a live command is at is left alone: it holds the lease. What cannot be settled is an alarm, and tried again.
    """

    def __init__(self, settle: Settle | None) -> None:
        self._settle = settle
        self._problem: str | None = None

    async def keep(self) -> None:
        """Settle for as long as the conductor conducts."""
        while self._settle is not None:
            try:
                for moved in await asyncio.to_thread(self._settle):
                    log.warning("conductor.cutover_settled", unit=moved.unit, edge=moved.edge, did=moved.did)
                self._problem = None
            except (CaravanError, psycopg.Error) as error:
                self._problem = error.message if isinstance(error, CaravanError) else str(error).strip()
                log.warning("conductor.cutover_not_settled", problem=self._problem)
            await asyncio.sleep(_EVERY if self._problem is None else _AGAIN)

    def alarms(self) -> Iterator[Alarm]:
        """Yield an alarm while a cutover that was cut short cannot be settled."""
        if self._problem is not None:
            said = f"a cutover that was cut short cannot be settled yet, writes may be held or fenced: {self._problem}"
            yield Alarm("cutover cut short", "critical", said)
