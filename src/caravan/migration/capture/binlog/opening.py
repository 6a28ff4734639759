"""Preparing to follow a row log by the address of its server, and leaving it."""

from collections.abc import Sequence
from contextlib import closing

from caravan.migration.capture.binlog import MARKER_TABLE
from caravan.migration.capture.binlog.preparing import prepare_binlog
from caravan.migration.capture.changes import Position
from caravan.migration.capture.options import CaptureOptions
from caravan.migration.capture.stores.mariadb_connection import MariadbConnection

__all__ = ["prepare", "remove"]


def prepare(url: str, names: Sequence[str], options: CaptureOptions) -> Position:
    """See ``prepare_changes``."""
    with closing(MariadbConnection(url)) as connection:
        return prepare_binlog(connection, names, options)


def remove(url: str) -> None:
    """See ``remove_changes``; the log itself is the server's own."""
    with closing(MariadbConnection(url)) as connection:
        connection.run(f"DROP TABLE IF EXISTS `{MARKER_TABLE}`")
