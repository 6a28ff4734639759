"""What every source of changes gives: transactions in the order of its log, records undecoded as its reader gives them.

The load copies a snapshot that stands at a position of the log; changes are taken from a position at or before it. A change is
applied where its place is newer than the one stored for the row, so a log may be read twice from anywhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

from caravan.migration.load.readers import BrokenRecord, Record, RecordFormat

__all__ = ["Change", "ChangeKind", "ChangeSource", "Position", "Transaction"]

ChangeKind: TypeAlias = Literal["upsert", "delete", "truncate"]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a source's log.

    ``number`` grows with the log and fits 63 bits: an LSN, file number and offset of a binlog, seconds and increment of a cluster
    time, a sequence of an outbox table. ``resume`` is what the source itself needs to go on from here (empty: the number is enough).
    """

    number: int
    resume: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Change:
    """One row. ``key`` holds the key's fields as a decoded record has them (``{"_id": …}``, ``{"id": 7}``).

    ``record`` is the whole row after the change, None for a delete; a broken record says why it must not be read. An update that
    changes the key is a delete and an upsert. ``truncate`` empties the collection and has neither key nor record.
    ``step`` counts within the transaction, from 0.
    """

    collection: str
    kind: ChangeKind
    key: Mapping[str, Any]
    record: Record | BrokenRecord | None
    step: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """What one commit of the source changed. ``position`` is behind it: a log read from there does not give it again.

    ``committed_at`` is the source's own clock, aware. ``tag`` is what our own applier wrote into the transaction, empty for
    anybody else's. A transaction without changes is a heartbeat: the log was read up to ``position`` and held nothing for us.
    """

    position: Position
    committed_at: datetime
    changes: tuple[Change, ...] = ()
    tag: str = ""


class ChangeSource(Protocol):
    """One log, for the collections it was opened with."""

    @property
    def format(self) -> RecordFormat:
        """The format of the records."""

    @property
    def sees_deletes(self) -> bool:
        """False where only a watermark is followed: rows that vanish are not told."""

    def head(self) -> Position:
        """Where the log stands now: all that was committed before the call lies at or before it."""

    def transactions(self, after: Position, *, wait: float) -> Iterator[Transaction]:
        """Yield what was committed behind ``after``, in order; ends when nothing has come for ``wait`` seconds.

        The last yielded is a heartbeat where the log moved on without changes for us.

        Raises:
            ChangesLostError: the log no longer reaches back to ``after``; only a new synchronisation helps.
            CaptureStoppedError: the source cannot be reached or read.
        """

    def confirm(self, position: Position) -> None:
        """Tell the source that everything up to here is committed on the other side and may be forgotten."""

    def retained(self) -> int | None:
        """Bytes of log that the source keeps for us; None where it does not keep any for us alone."""

    def close(self) -> None:
        """Let go of the connection; what the source keeps for us stays."""
