"""A flow as the cutover sees it: what it asks is written into the flow's row, and the process that carries the flow obeys."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg

from caravan.core.database.connection import DatabaseAddress
from caravan.core.kept import Kept
from caravan.migration.capture.changes import Position
from caravan.migration.sync.captures import Capture
from caravan.migration.sync.errors import FlowFailedError
from caravan.migration.sync.flow_rows import Flow, FlowKey, create_flow, find_flow
from caravan.migration.sync.flows import Lag
from caravan.migration.sync.holding import open_connection
from caravan.migration.sync.waiting import ask_to_stop, catch_up, hold_at, let_go, set_mode

__all__ = ["FlowParty"]

_ALIVE: Final = timedelta(seconds=10)
"""A process that has not beaten for so long is taken for dead."""

_UNSEEN: Final = (
    "SELECT count(*) FROM engine.foreign_writes WHERE org_id = %(org)s AND migration = %(migration)s AND source = %(source)s"
    " AND direction = %(direction)s AND number > %(number)s"
)


class FlowParty:
    """Implements the cutover's ``Flow``. All calls may be repeated."""

    def __init__(self, address: DatabaseAddress, key: FlowKey, capture: Capture) -> None:
        self._address, self._key, self._capture = address, key, capture
        self._connections = Kept(lambda: open_connection(self._address))
        self._sources = Kept(capture.open)

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep the connections, ours and the log's, for all that is asked in the block."""
        with self._connections.kept_open(), self._sources.kept_open():
            yield

    def prepare(self) -> None:
        """Make what the capture needs, and the flow: one that was never started watches until it is."""
        with self._connected() as connection:
            if find_flow(connection, self._key) is None:
                create_flow(connection, self._key, self._capture.prepare(), mode="watch")

    def head(self) -> Position:
        """Return where the log ends."""
        with self._sources.used() as source:
            return source.head()

    def applied(self) -> Position | None:
        """Return what is applied on the other side; None where it never began."""
        flow = self._flow()
        return None if flow is None else flow.applied

    def lag(self) -> Lag:
        """Return how far it is behind; without a flow, since ever."""
        now = datetime.now(UTC)
        flow = self._flow()
        return Lag(float("inf"), None, now) if flow is None else flow.lag(now)

    def running(self) -> bool:
        """Tell whether a process carries it and applies what comes."""
        flow = self._flow()
        return (
            flow is not None
            and (flow.state, flow.mode, flow.stop_number) == ("running", "apply", None)
            and datetime.now(UTC) - flow.heartbeat_at < _ALIVE
        )

    def carry_on(self) -> None:
        """Let it run, from where it is, without an end."""
        with self._connected() as connection, connection.transaction():
            set_mode(connection, self._key, "apply")
            let_go(connection, self._key)

    def start(self, at: Position) -> None:
        """Let it apply all that is behind ``at``.

        A flow that has only watched stands at ``at``, before it, or behind it. What it watched behind ``at`` is not applied any more, so
        there must have been nothing.

        Raises:
            FlowFailedError: somebody has written in between.
        """
        self.prepare()
        with self._connected() as connection, connection.transaction():
            set_mode(connection, self._key, "apply")  # locks the row: no watching commits from here on
            missed = connection.execute(_UNSEEN, {**self._key.parameters, "number": at.number}).fetchone()
            if missed is not None and missed[0]:
                raise FlowFailedError(
                    f"{missed[0]} writes behind {at.number} were seen by the flow {self._key} while it only watched.",
                    flow_code="foreign_writes",
                )
            let_go(connection, self._key)

    def apply_exactly_to(self, position: Position, *, within: float) -> None:
        """Apply up to this position and stand still there.

        Raises:
            CatchUpTimeoutError: not in time.
            FlowFailedError: the flow has ended.
        """
        with self._connected() as connection:
            hold_at(connection, self._key, position)
            catch_up(connection, self._key, position, datetime.now(UTC) + timedelta(seconds=within))

    def watch(self) -> None:
        """Apply nothing any more; tell writes of others as foreign."""
        with self._connected() as connection, connection.transaction():
            set_mode(connection, self._key, "watch")
            let_go(connection, self._key)

    def stop(self) -> None:
        """End it, and let the store forget what it keeps for it."""
        with self._connected() as connection:
            if find_flow(connection, self._key) is not None:
                ask_to_stop(connection, self._key)
        self._capture.remove()

    def foreign_writes(self) -> int:
        """Return how many writes of others it has seen."""
        flow = self._flow()
        return 0 if flow is None else flow.foreign_writes

    def _flow(self) -> Flow | None:
        with self._connected() as connection:
            return find_flow(connection, self._key)

    def _connected(self) -> AbstractContextManager[psycopg.Connection]:
        return self._connections.used()
