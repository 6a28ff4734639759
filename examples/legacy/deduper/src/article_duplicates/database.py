"""The shared SQLite: others read and write it too, so each transaction is one short batch."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Final

from .environment import required
from .errors import DeduperError
from .progress import Progress

__all__ = [
    "approved_texts",
    "batch_size",
    "batches",
    "fill_pair_articles",
    "forget_pair_articles",
    "opened",
    "transaction",
]

BATCH: Final = 50_000
"""Pairs per transaction, at most; a tenth of the work when that is less, so that each tenth can be told."""
_LOCK_SECONDS: Final = 5.0


@contextmanager
def opened() -> Iterator[sqlite3.Connection]:
    """Open the database named by PATH_TO_DATABASE and NAME_DB; it has to exist."""
    folder = required("PATH_TO_DATABASE", "name the folder of the shared database")
    path = Path(folder) / required("NAME_DB", "name the file of the shared database")
    if not path.is_file():
        raise DeduperError(f"there is no database at {path}: see PATH_TO_DATABASE and NAME_DB")
    connection = sqlite3.connect(path, timeout=_LOCK_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -65536")
        yield connection
    finally:
        connection.close()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the write lock for the block; commits at its end, or takes everything back."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def batch_size(total: int) -> int:
    """Return how many of so many pairs go into one transaction."""
    return max(1, min(BATCH, ceil(total / 10)))


def batches(connection: sqlite3.Connection, stage: str) -> Iterator[tuple[int, int]]:
    """Yield first and last id of each batch of pairs, each in a transaction of its own, and tell progress."""
    low, high = connection.execute("SELECT min(id), max(id) FROM ArticleDuplicateAnalyses").fetchone()
    if low is None:
        return
    progress = Progress(stage, high - low + 1, "rows")
    for first in range(low, high + 1, step := batch_size(high - low + 1)):
        last = min(first + step - 1, high)
        with transaction(connection):
            yield first, last
        progress.add(last - first + 1)


def fill_pair_articles(connection: sqlite3.Connection) -> None:
    """List the articles of all pairs in ``temp.pair_articles (id, approved)``, unless that is done."""
    done = connection.execute("SELECT 1 FROM temp.sqlite_master WHERE name = 'pair_articles'").fetchone()
    if done is not None:
        return
    connection.execute("CREATE TEMP TABLE pair_articles (id INTEGER PRIMARY KEY, approved INTEGER NOT NULL)")
    connection.execute(
        """INSERT INTO temp.pair_articles
           SELECT id, max(approved) FROM (
               SELECT DISTINCT articleIdNew AS id, 0 AS approved FROM ArticleDuplicateAnalyses
               UNION ALL SELECT DISTINCT articleIdApproved, 1 FROM ArticleDuplicateAnalyses
           ) GROUP BY id"""
    )


def forget_pair_articles(connection: sqlite3.Connection) -> None:
    """Have the articles listed anew: the pairs have changed."""
    connection.execute("DROP TABLE IF EXISTS temp.pair_articles")


def approved_texts(connection: sqlite3.Connection) -> dict[int, tuple[str | None, str | None]]:
    """Return headline and text, as written for the report, of the articles of ``temp.pair_articles`` that have any."""
    found = connection.execute(
        """SELECT articleId, headlineForPdfReport, textForPdfReport, min(a.id)
           FROM ArticleApproveds a JOIN temp.pair_articles p ON p.id = a.articleId GROUP BY articleId"""
    )
    return {article: (headline, text) for article, headline, text, _ in found}
