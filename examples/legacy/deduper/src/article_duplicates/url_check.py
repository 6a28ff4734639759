"""Marks pairs whose addresses are the same, whatever their spelling."""

import sqlite3
from typing import Final

from .canonical_urls import canonical_url
from .database import batches, fill_pair_articles

__all__ = ["check_urls"]

_ABSENT: Final = "(none)"
_UNREADABLE: Final = "(unreadable)"
_MARK: Final = """
    UPDATE ArticleDuplicateAnalyses AS d SET urlCheck = 1, updatedAt = datetime('now')
    WHERE d.id BETWEEN ? AND ? AND coalesce(d.urlCheck, 0) = 0
        AND (SELECT address FROM temp.addresses WHERE id = d.articleIdNew)
            = (SELECT address FROM temp.addresses WHERE id = d.articleIdApproved)"""


def check_urls(connection: sqlite3.Connection) -> None:
    """Set urlCheck where it is 0: two missing addresses are the same, as are two that name no host."""
    fill_pair_articles(connection)
    found = connection.execute(
        "SELECT p.id, a.url FROM temp.pair_articles p LEFT JOIN Articles a ON a.id = p.id"
    )
    numbers: dict[str, int] = {}  # addresses as small integers, which compare faster
    addresses = [(article, numbers.setdefault(_key(url), len(numbers))) for article, url in found]
    connection.execute("DROP TABLE IF EXISTS temp.addresses")
    connection.execute("CREATE TEMP TABLE addresses (id INTEGER PRIMARY KEY, address INTEGER NOT NULL)")
    connection.executemany("INSERT INTO temp.addresses VALUES (?, ?)", addresses)
    for batch in batches(connection, "url_check"):
        connection.execute(_MARK, batch)


def _key(url: str | None) -> str:
    return _ABSENT if url is None else canonical_url(url) or _UNREADABLE
