"""Who takes part in a cutover: two stores, the flows between them, and whoever compares them.

All calls are synchronous and idempotent. ``within`` is how many seconds a call may take: clients may be waiting. What a call raises
besides what is named here is the store's own error; the cutover tells it as ``StoreFailedError``.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from caravan.migration.capture.changes import Position
from caravan.migration.sync.flows import Lag
from caravan.migration.units.publishing import KeptOpen

__all__ = [
    "DirtyCheck",
    "Fence",
    "Flow",
    "Parties",
    "Sequences",
    "Store",
    "TableSums",
    "Verification",
    "Verified",
    "Writer",
]


@dataclass(frozen=True, slots=True)
class Writer:
    """Somebody who writes, or could, without the gateway. ``name`` is what a waiver names: ``shop_app``, ``cron@10.0.0.7``.

    ``doing`` is for people: the statement, the transaction, since when.
    """

    name: str
    doing: str


class Fence(Protocol):
    """Keeps everybody but a flow's applier from writing some tables of one store, until it is taken down.

    A fence carries the id of the transition that put it up, so that one found after a crash can be told.
    """

    @property
    def limits(self) -> Sequence[str]:
        """What this fence does not stop, in words."""

    def standing(self) -> Sequence[UUID]:
        """Return the transitions whose fences, whole or in parts, are up."""

    def is_up(self, transition: UUID) -> bool:
        """Tell whether this transition's fence is complete."""

    def put_up(self, transition: UUID, *, within: float) -> None:
        """Put it up, whole; parts that are there stay.

        Raises:
            FenceRefusedError: it could not be, in time; parts of it may be up.
        """

    def take_down(self, transition: UUID, *, within: float) -> None:
        """Take down what there is of it."""

    def old_transactions(self) -> Sequence[Writer]:
        """Return open transactions, not of the applier, that have written to the tables or may still do so in spite of the fence."""

    def writers(self) -> Sequence[Writer]:
        """Return who is connected and could write, the applier apart; what the store cannot tell is said in ``limits``."""

    def by_hand(self, transition: UUID) -> Sequence[str]:
        """Return the statements that take it down by hand."""


class Sequences(Protocol):
    """Number generators of one store's tables."""

    def prime(self, *, margin: int, within: float) -> Mapping[str, int]:
        """Set each behind the greatest key there is, with a margin; returns them by name. One that is far enough stays."""


@dataclass(frozen=True, slots=True)
class Store:
    """One side's data. ``free_bytes`` is None where nobody can tell."""

    name: str
    fence: Fence
    sequences: Sequences
    free_bytes: int | None = None


class Flow(Protocol):
    """Carries the changes of one store to the other."""

    def prepare(self) -> None:
        """Do what takes long, before clients wait: open connections, make the slot."""

    def head(self) -> Position:
        """Return where the log of the store it reads ends: all that was committed before the call lies at or before it."""

    def applied(self) -> Position | None:
        """Return what is applied on the other side; None where it never began."""

    def lag(self) -> Lag:
        """Return how far it is behind."""

    def running(self) -> bool:
        """Tell whether it applies what comes."""

    def carried(self) -> bool:
        """Tell whether a process carries it: one that only watches is carried too, and can be started at once."""

    def attend(self) -> None:
        """Tell it that clients are about to wait for it: it listens closely until it is let go on, or stands still."""

    def carry_on(self) -> None:
        """Let it run, from where it is, without an end."""

    def start(self, at: Position) -> None:
        """Let it run from exactly this position on; one that runs from there or from before stays."""

    def apply_exactly_to(self, position: Position, *, within: float) -> None:
        """Apply up to this position and stand still there.

        Raises:
            CatchUpTimeoutError: not in time.
        """

    def watch(self) -> None:
        """Apply nothing any more; tell writes of others as foreign."""

    def stop(self) -> None:
        """End it, and let the store forget what it keeps for it."""

    def foreign_writes(self) -> int:
        """Return how many writes of others it has seen on a side where nobody else may write."""


@dataclass(frozen=True, slots=True)
class DirtyCheck:
    """Rows that changed since they were verified, compared on both sides. ``differing`` names them, ``data set: key``."""

    checked: int
    differing: Sequence[str]


@dataclass(frozen=True, slots=True)
class Verified:
    """The last whole verification: when, of how many rows, how many differed."""

    at: datetime
    rows: int
    differing: int


@dataclass(frozen=True, slots=True)
class TableSums:
    """Rows of one data set and a checksum over all of them, the same on both sides when the data is."""

    rows: int
    checksum: str


class Verification(Protocol):
    """Compares the two stores."""

    def prepare(self) -> None:
        """Do what takes long, before clients wait: compare what changed since the last whole one, so that less is left to ``dirty``."""

    def measure(self) -> Mapping[str, Any]:
        """Compare all while changes flow; returns the figures of the measurement ``verification``."""

    def last(self) -> Verified | None:
        """Return the last whole verification."""

    def dirty(self, *, within: float) -> DirtyCheck:
        """Compare the rows that changed since; behind a fence, with everything applied."""

    def sums(self, side: str) -> Mapping[str, TableSums]:
        """Return rows and checksum by data set of ``old`` or ``new``, read while nobody writes."""


@dataclass(frozen=True, slots=True)
class Parties:
    """All of one unit. ``extra`` is whatever else belongs into evidence: versions of the stores, addresses without passwords."""

    old: Store
    new: Store
    forward: Flow
    reverse: Flow
    verification: Verification
    extra: Mapping[str, Any]

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep what connections they have open for all that is asked in the block: a cutover asks while clients wait."""
        stores = [part for store in (self.old, self.new) for part in (store.fence, store.sequences)]
        with ExitStack() as stack:
            for part in (*stores, self.forward, self.reverse, self.verification):
                if isinstance(part, KeptOpen):
                    stack.enter_context(part.kept_open())
            yield
