"""Pairs every new article with every approved one."""

import sqlite3

from .database import batch_size, forget_pair_articles, transaction
from .logs import LOG
from .new_articles import ids_of_csv, ids_of_report
from .progress import Progress

__all__ = ["load"]


def load(connection: sqlite3.Connection, report: int | None) -> None:
    """Replace the pairs of the report's articles, or of those in the CSV file without a report."""
    new = ids_of_csv() if report is None else ids_of_report(connection, report)
    if not new:
        LOG.error("load: no new articles %s", "in the CSV file" if report is None else f"in report {report}")
        return
    forget_pair_articles(connection)
    approved = _remember(connection, new)
    if not approved:
        LOG.error("load: there are no approved articles")
        return
    with transaction(connection):
        connection.execute(
            "DELETE FROM ArticleDuplicateAnalyses WHERE articleIdNew IN (SELECT id FROM temp.new_articles)"
        )
    progress = Progress("load", len(new) * approved, "pairs")
    at_once = max(1, batch_size(len(new) * approved) // approved)
    for first in range(0, len(new), at_once):
        with transaction(connection):
            inserted = connection.execute(_PAIRS, (report, first, first + at_once)).rowcount
        progress.add(inserted)


_PAIRS = """
    INSERT INTO ArticleDuplicateAnalyses (articleIdNew, articleIdApproved, reportId, sameArticleIdFlag,
        articleNewState, articleApprovedState, sameStateFlag, urlCheck, contentHash, embeddingSearch,
        createdAt, updatedAt)
    SELECT n.id, a.id, ?, n.id = a.id, '', '', 0, 0, 0, 0, datetime('now'), datetime('now')
    FROM temp.new_articles n CROSS JOIN temp.approved_articles a
    WHERE n.place >= ? AND n.place < ?
    ORDER BY n.place, a.id"""


def _remember(connection: sqlite3.Connection, new: list[int]) -> int:
    """Write new and approved ids into tables of this connection, and return how many are approved."""
    for name in ("new_articles", "approved_articles"):
        connection.execute(f"DROP TABLE IF EXISTS temp.{name}")
    connection.execute("CREATE TEMP TABLE new_articles (place INTEGER PRIMARY KEY, id INTEGER NOT NULL)")
    connection.executemany("INSERT INTO temp.new_articles VALUES (?, ?)", enumerate(new))
    connection.execute("CREATE TEMP TABLE approved_articles (id INTEGER PRIMARY KEY)")
    return connection.execute(
        "INSERT INTO temp.approved_articles SELECT DISTINCT articleId FROM ArticleApproveds WHERE isApproved = 1"
    ).rowcount
