"""Begins to follow a log: checks it, makes the marker table, takes the position."""

from collections.abc import Sequence

from caravan.migration.capture.binlog import MARKER_TABLE
from caravan.migration.capture.binlog.requirements import assert_keys, cascades, obstacles
from caravan.migration.capture.binlog.wire import Place
from caravan.migration.capture.changes import Position
from caravan.migration.capture.errors import CaptureRefusedError
from caravan.migration.capture.keyed import keyed
from caravan.migration.capture.options import CaptureOptions
from caravan.migration.capture.stores.mariadb_connection import MariadbConnection
from caravan.migration.load.readers.mariadb_schema import quoted

__all__ = ["assert_followable", "binlog_statements", "log_end", "place_of", "prepare_binlog"]


def binlog_statements() -> list[str]:
    """Return what ``prepare_binlog`` runs; the table is only needed where changes are also written to this store."""
    columns = "tag varchar(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, applied bigint unsigned NOT NULL"
    return [f"CREATE TABLE IF NOT EXISTS {quoted(MARKER_TABLE)} ({columns})"]


def prepare_binlog(connection: MariadbConnection, names: Sequence[str], options: CaptureOptions) -> Position:
    """Return a position such that a snapshot opened later sees all that was committed up to it.

    Raises:
        CaptureRefusedError: rights or settings are missing, a table has no key, or its rows change unlogged.
    """
    assert_followable(connection, names, options)
    connection.run(*binlog_statements())
    if connection.is_mariadb:
        connection.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        found = {row[0]: row[1] for row in connection.texts("SHOW STATUS LIKE 'binlog_snapshot_%'")}
        connection.run("ROLLBACK")
        place = Place(found["Binlog_snapshot_file"], int(found["Binlog_snapshot_position"]))
    else:
        # MySQL logs a commit before it can be seen: the lock waits for commits on their way.
        connection.run("FLUSH TABLES WITH READ LOCK")
        place = log_end(connection)
        connection.run("UNLOCK TABLES")
    return Position(place.number, f"{place.file}:{place.offset}{_identified(connection, place)}")


def assert_followable(connection: MariadbConnection, names: Sequence[str], options: CaptureOptions) -> None:
    """Raise ``CaptureRefusedError`` where changes of these tables would be missed."""
    if found := list(obstacles(connection)):
        raise CaptureRefusedError.because(
            f"{connection.place}: {'; '.join(problem for problem, _ in found)}",
            *(statement for _, several in found for statement in several),
        )
    assert_keys(keyed(connection.tables(names), options.keys), connection.place)
    if options.cascades == "refuse" and (acting := cascades(connection, names)):
        raise CaptureRefusedError(
            f"{connection.place}: foreign keys change rows that no log and no trigger tells of: {'; '.join(acting)}. Declare them"
            ' RESTRICT and let the application delete the children, or accept it with cascades = "accept": then only a'
            " verification finds these changes"
        )


def log_end(connection: MariadbConnection) -> Place:
    """Return where the log stands: what was committed before the call stands before it."""
    row = connection.texts("SHOW MASTER STATUS" if _says_master(connection) else "SHOW BINARY LOG STATUS")[0]
    return Place(row[0], int(row[1]))


def _says_master(connection: MariadbConnection) -> bool:
    """MySQL has the newer words since 8.2, and only them since 8.4."""
    version = connection.texts("SELECT version()")[0][0]
    return connection.is_mariadb or tuple(map(int, version.split("-")[0].split(".")[:2])) < (8, 2)


def place_of(connection: MariadbConnection, position: Position) -> Place:
    """Return the file and offset of a position, also of one that is only a number."""
    said = position.resume.partition(" ")[0]
    if said:
        file, _, offset = said.rpartition(":")
        return Place(file, int(offset))
    stem, _, digits = log_end(connection).file.rpartition(".")
    return Place(f"{stem}.{position.number >> 32:0{len(digits)}d}", position.number & 0xFFFFFFFF)


def _identified(connection: MariadbConnection, place: Place) -> str:
    if not connection.is_mariadb:
        return ""
    gtids = connection.texts(f"SELECT binlog_gtid_pos('{place.file}', {place.offset})")[0][0]
    return f" gtid {gtids}" if gtids else ""
