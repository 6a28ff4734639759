"""Checks that search by trigrams works in Arabic: under a wrong locale it silently finds nothing."""

import psycopg

from caravan.core.embedded.errors import TrigramsBrokenError

__all__ = ["assert_trigrams"]

_WORD = "منتج"


def assert_trigrams(dsn: str) -> None:
    """Raise `TrigramsBrokenError` when pg_trgm is available but yields nothing for an Arabic word; leaves no trace."""
    with psycopg.connect(dsn) as connection, connection.transaction(force_rollback=True):
        available = connection.execute(
            "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"
        ).fetchone()
        if available is None:
            return
        connection.execute("SET LOCAL client_min_messages = error")
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        row = connection.execute(
            "SELECT cardinality(show_trgm(%s)), datctype FROM pg_database WHERE datname = current_database()",
            [_WORD],
        ).fetchone()
    if row is None or not row[0]:
        raise TrigramsBrokenError(
            f"pg_trgm yields no trigrams for {_WORD!r} (character type {row[1] if row else 'unknown'}): the database's "
            "locale is not a UTF-8 one, so search in Arabic would find nothing."
        )
