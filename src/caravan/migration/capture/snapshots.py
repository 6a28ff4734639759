"""The position of a reader's snapshot as a position of the changes."""

from caravan.migration.capture.changes import Position
from caravan.migration.capture.opening import mechanism_of
from caravan.migration.capture.options import DEFAULTS, CaptureOptions
from caravan.migration.load.readers import Snapshot

__all__ = ["position_of_snapshot"]


def position_of_snapshot(
    kind: str, snapshot: Snapshot, options: CaptureOptions = DEFAULTS
) -> Position | None:
    """Return the position that a snapshot stands at in the log of the store; None where the source did not tell one.

    MariaDB's is exact: all that was committed up to it is in the snapshot and nothing else. MongoDB's is at or before the
    snapshot. PostgreSQL's is not used: a transaction that stands before it in the log may not be visible yet, so there the
    position of ``prepare_changes`` counts; so it does where ``options`` choose another mechanism than the store's own log, whose
    positions are other numbers.
    """
    told = snapshot.position
    if not told or mechanism_of(kind, options) not in ("binlog", "change-stream"):
        return None
    if kind in {"mariadb", "mysql"} and ":" in told:
        file, _, offset = told.partition(" ")[0].rpartition(":")
        return Position(int(file.rpartition(".")[2]) << 32 | int(offset), told)
    if kind == "mongodb":
        seconds, _, increment = told.partition(":")
        return Position(int(seconds) << 32 | int(increment))
    return None
