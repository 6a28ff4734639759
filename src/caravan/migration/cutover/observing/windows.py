"""One request at a time, and what the stores' logs tell of the time in which it was at work.

Before each request the logs are read for as long without one: what changes then is somebody else's doing. A table that somebody
else writes at the same time is told, and its uses stand: a unit that is too large is safe, one that was split wrongly is not.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from caravan.migration.cutover.errors import NotObservableError
from caravan.migration.cutover.observed_units import Operation, Use
from caravan.migration.exchange import Answer, Request
from caravan.migration.shadow import Ask
from caravan.migration.sync.captures import Capture

__all__ = ["Log", "Probe", "Window", "windows"]

_WAIT: Final = 0.02
_PATIENCE: Final = 30.0
_OPERATIONS: Final[Mapping[str, Operation]] = {"upsert": "write", "delete": "delete", "truncate": "delete"}


@dataclass(frozen=True, slots=True)
class Probe:
    """A request to send; ``route`` is ``METHOD /template``, ``identity`` tells it from others."""

    identity: str
    route: str
    request: Request


@dataclass(frozen=True, slots=True)
class Window:
    """What a request used, and ``others``: tables that changed before it was sent, when nobody of ours was at work."""

    probe: Probe
    answer: Answer
    uses: tuple[Use, ...]
    others: frozenset[str]


class Log:
    """The changes of one store from now on. ``keep``: leave what was made for it there, because a flow needs the same."""

    def __init__(self, capture: Capture, *, keep: bool = False) -> None:
        self._capture, self._keep = capture, keep
        self._position = capture.prepare()
        self._source = capture.open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._source.close()
        if not self._keep:
            self._capture.remove()

    def read(self) -> list[tuple[str, Operation]]:
        """Return table and operation of each change since the last call; what our own appliers wrote is left out."""
        head = self._source.head()
        found: dict[tuple[str, Operation], None] = {}
        deadline = time.monotonic() + _PATIENCE
        while self._position.number < head.number:
            if time.monotonic() > deadline:
                raise NotObservableError(f"The log was not read up to {head.number} within {_PATIENCE:g} s.")
            for transaction in self._source.transactions(self._position, wait=_WAIT):
                self._position = max(self._position, transaction.position)
                if not transaction.tag:
                    found |= {(each.collection, _OPERATIONS[each.kind]): None for each in transaction.changes}
        self._source.confirm(self._position)
        return list(found)


async def windows(
    probes: Iterable[Probe], ask: Ask, logs: Iterable[Log], *, settle: float
) -> AsyncIterator[Window]:
    """Send the requests one after the other and tell what each used. ``settle``: seconds given to what goes on behind an answer."""
    opened = list(logs)
    for probe in probes:
        await asyncio.sleep(settle)
        others = {table for log in opened for table, _ in await asyncio.to_thread(log.read)}
        answer = await ask(probe.request)
        await asyncio.sleep(settle)
        found = [each for log in opened for each in await asyncio.to_thread(log.read)]
        uses = tuple(Use(probe.identity, probe.route, table, operation) for table, operation in found)
        yield Window(probe, answer, uses, frozenset(others))
