"""How our own writes are told from everybody else's in a log that is read the other way round."""

from typing import Any, Final

import psycopg

__all__ = ["PREFIX", "is_ours", "tag_of", "tag_postgres"]

PREFIX: Final = "caravan"
"""The prefix of the message in a PostgreSQL log, the name of markers elsewhere."""

_EMIT: Final = (
    "SELECT pg_logical_emit_message(true, %(prefix)s, %(tag)s), set_config('caravan.tag', %(tag)s, true)"
)


def tag_of(migration: str, direction: str) -> str:
    """Return what a flow writes into each of its transactions."""
    return f"{migration}/{direction}"


def is_ours(tag: str, migration: str) -> bool:
    """Tell whether a flow or load of this migration wrote the transaction; another migration's is a write like any other."""
    return tag.startswith(f"{migration}/")


def tag_postgres(cursor: psycopg.Cursor[Any], tag: str) -> None:
    """Mark the transaction in the log, and for triggers that keep an outbox."""
    cursor.execute(_EMIT, {"prefix": PREFIX, "tag": tag})
