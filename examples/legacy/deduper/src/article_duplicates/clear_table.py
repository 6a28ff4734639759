"""Deletes all pairs."""

import sqlite3

from .database import transaction
from .errors import DeduperError
from .logs import LOG

__all__ = ["clear_table"]


def clear_table(connection: sqlite3.Connection) -> None:
    try:
        with transaction(connection):
            deleted = connection.execute("DELETE FROM ArticleDuplicateAnalyses").rowcount
    except sqlite3.Error as error:
        raise DeduperError(f"the table cannot be cleared: {error}") from error
    LOG.info("clear_table: %d rows deleted", deleted)
