"""Writes both states beside each pair, and whether they are the same; two missing ones are."""

import sqlite3
from typing import Final

from .database import batches, fill_pair_articles

__all__ = ["compare_states"]

_KNOWN: Final = """
    INSERT INTO temp.article_states
    SELECT p.id, coalesce(s.abbreviation, ''), min(c.id)
    FROM temp.pair_articles p
    LEFT JOIN ArticleStateContracts c ON c.articleId = p.id
    LEFT JOIN States s ON s.id = c.stateId
    GROUP BY p.id"""
_COMPARE: Final = """
    UPDATE ArticleDuplicateAnalyses AS d SET
        (articleNewState, articleApprovedState, sameStateFlag) = (
            SELECT n.state, a.state, n.state = a.state FROM temp.article_states n, temp.article_states a
            WHERE n.id = d.articleIdNew AND a.id = d.articleIdApproved
        ),
        updatedAt = datetime('now')
    WHERE d.id BETWEEN ? AND ?
        AND (coalesce(d.articleNewState, '') = '' OR coalesce(d.articleApprovedState, '') = ''
            OR coalesce(d.sameStateFlag, 0) = 0)"""


def compare_states(connection: sqlite3.Connection) -> None:
    """Set the states where one is empty or they were not the same; an article's first state counts."""
    fill_pair_articles(connection)
    connection.execute("DROP TABLE IF EXISTS temp.article_states")
    connection.execute(
        "CREATE TEMP TABLE article_states (id INTEGER PRIMARY KEY, state TEXT NOT NULL, first)"
    )
    connection.execute(_KNOWN)
    for batch in batches(connection, "states"):
        connection.execute(_COMPARE, batch)
