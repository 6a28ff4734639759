"""The side of a flow that takes changes: what the runner needs of it, whichever way the flow goes."""

from collections.abc import Sequence
from typing import Protocol

from caravan.migration.capture.changes import Position, Transaction
from caravan.migration.sync.flow_rows import Flow, Progress
from caravan.migration.sync.flows import FlowMode

__all__ = ["Sink"]


class Sink(Protocol):
    """One holder's hand on one flow; it lives as long as its connections."""

    def take(self, holder: str) -> Flow:
        """Become the holder; raises ``FlowHeldError``."""

    def apply(self, transactions: Sequence[Transaction]) -> Progress:
        """Bring them to this side, and the position with them: all of it or nothing. Transactions of our own only count.

        Raises:
            FlowReplacedError: another process has taken over.
            ModeChangedError: the flow is to watch since.
            psycopg.OperationalError, LegacyWriteError: the store is away, full or stopping; nothing remains.
        """

    def watch(self, transactions: Sequence[Transaction]) -> Progress:
        """Apply nothing; note what nobody of ours wrote."""

    def stand(self, position: Position, mode: FlowMode) -> Progress:
        """Note that the log was read up to here and held nothing."""

    def beat(self, *, head: int, pending: int, lag: float, retained: int | None = None) -> Flow:
        """Tell what is seen, ``retained`` in bytes; returns what is wanted."""

    def end(self, *, failed: Exception | None = None) -> None:
        """Let go of the flow, with the reason where it failed."""

    def close(self) -> None:
        """Close the connections, and with them the hold."""
