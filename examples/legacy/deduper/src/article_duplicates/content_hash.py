"""Scores pairs by how alike their headlines and texts are, word for word."""

import sqlite3

from .database import approved_texts, batches, fill_pair_articles
from .fingerprints import fingerprint, likeness

__all__ = ["compare_contents"]

_SCORE = """
    UPDATE ArticleDuplicateAnalyses SET contentHash = likeness(articleIdNew, articleIdApproved),
        updatedAt = datetime('now')
    WHERE id BETWEEN ? AND ? AND coalesce(contentHash, 0) = 0"""


def compare_contents(connection: sqlite3.Connection) -> None:
    """Set contentHash where it is 0: 1 for equal words or two missing texts, 0 when one is missing."""
    fill_pair_articles(connection)
    prints = {article: fingerprint(*told) for article, told in approved_texts(connection).items()}

    def scored(new: int, approved: int) -> float:
        return likeness(prints.get(new), prints.get(approved))

    connection.create_function("likeness", 2, scored)
    for batch in batches(connection, "content_hash"):
        connection.execute(_SCORE, batch)
