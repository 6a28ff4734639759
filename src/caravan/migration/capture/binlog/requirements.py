"""What a row log must be like for a capture to see every change, asked before it is followed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from caravan.migration.capture.errors import CaptureRefusedError
from caravan.migration.capture.stores.mariadb_connection import MariadbConnection
from caravan.migration.load.readers import SourceTable

__all__ = ["assert_keys", "cascades", "obstacles"]

_WANTED: Final = {
    "log_bin": ("ON", ()),
    "binlog_format": ("ROW", ("SET GLOBAL binlog_format = 'ROW'",)),
    "binlog_row_image": ("FULL", ("SET GLOBAL binlog_row_image = 'FULL'",)),
    "log_bin_compress": ("OFF", ("SET GLOBAL log_bin_compress = OFF",)),
    "binlog_row_value_options": ("", ("SET GLOBAL binlog_row_value_options = ''",)),
    "binlog_transaction_compression": ("OFF", ("SET GLOBAL binlog_transaction_compression = OFF",)),
}
_RIGHTS: Final = "GRANT REPLICATION SLAVE, {monitor} ON *.* TO {user}"


def obstacles(connection: MariadbConnection) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what keeps this user from following the log, each with the statements that would help."""
    names = ", ".join(f"'{name}'" for name in _WANTED)
    found = {
        row[0]: row[1] for row in connection.texts(f"SHOW GLOBAL VARIABLES WHERE variable_name IN ({names})")
    }
    if found.get("log_bin") != "ON":
        yield "the server writes no log; start it with log_bin, server_id and binlog_format = ROW", ()
        return
    for name, (wanted, statements) in _WANTED.items():
        # A variable that a server lacks is a feature that it lacks.
        if name in found and found[name] != wanted:
            yield f"{name} is {found[name] or 'empty'}, it must be {wanted or 'empty'}", statements
    try:
        connection.rows("SHOW BINARY LOGS")
    except CaptureRefusedError as error:
        user = connection.texts("SELECT concat(quote(substring_index(current_user(), '@', 1)), '@', "
                                "quote(substring_index(current_user(), '@', -1)))")[0][0]  # fmt: skip
        monitor = "BINLOG MONITOR" if connection.is_mariadb else "REPLICATION CLIENT"
        yield error.message, (_RIGHTS.format(monitor=monitor, user=user),)


def assert_keys(tables: Mapping[str, SourceTable], place: str) -> None:
    """Raise ``CaptureRefusedError`` for a table whose rows nothing tells apart."""
    if keyless := [name for name, table in tables.items() if not table.key]:
        raise CaptureRefusedError.because(
            f"{place}: table {', '.join(keyless)} has no key, so a change does not say which row it meant",
            *(f"ALTER TABLE {name} ADD COLUMN id BIGINT AUTO_INCREMENT PRIMARY KEY" for name in keyless),
        )


def cascades(connection: MariadbConnection, tables: Iterable[str]) -> list[str]:
    """Return what foreign keys change in these tables below the log and below triggers, one sentence each.

    InnoDB carries out ON DELETE and ON UPDATE actions itself: neither row events nor triggers tell of them
    (https://mariadb.com/kb/en/trigger-limitations/).
    """
    rows = connection.texts(
        "SELECT table_name, constraint_name, delete_rule, update_rule FROM information_schema.referential_constraints"
        " WHERE constraint_schema = database()"
    )
    names = set(tables)
    acting = {"CASCADE", "SET NULL", "SET DEFAULT"}
    return [
        f"{table} by {constraint} (ON DELETE {on_delete}, ON UPDATE {on_update})"
        for table, constraint, on_delete, on_update in rows
        if table in names and (on_delete in acting or on_update in acting)
    ]
