"""Scores pairs by how close their texts are in meaning."""

import sqlite3
from collections.abc import Callable, Mapping

from .database import approved_texts, batches, fill_pair_articles
from .logs import LOG
from .similar_meanings import Meanings, meanings

__all__ = ["compare_meanings"]

_SCORE = """
    UPDATE ArticleDuplicateAnalyses SET embeddingSearch = min(1.0, closeness(articleIdNew, articleIdApproved)),
        updatedAt = datetime('now')
    WHERE id BETWEEN ? AND ? AND coalesce(embeddingSearch, 0) = 0"""
_BANDS = """
    SELECT total(embeddingSearch > 0.8), total(embeddingSearch BETWEEN 0.5 AND 0.8), total(embeddingSearch < 0.5)
    FROM ArticleDuplicateAnalyses"""


def compare_meanings(connection: sqlite3.Connection) -> None:
    """Set embeddingSearch where it is 0: two missing texts score 1, one missing 0."""
    fill_pair_articles(connection)
    texts = {article: text for article, (_, text) in approved_texts(connection).items() if text is not None}
    found = connection.execute("SELECT id FROM temp.pair_articles WHERE approved = 1")
    approved = frozenset(number for (number,) in found)
    connection.create_function("closeness", 2, _closeness(texts, approved, meanings(texts, approved)))
    for batch in batches(connection, "embedding"):
        connection.execute(_SCORE, batch)
    LOG.info("embedding: %d high, %d medium, %d low", *connection.execute(_BANDS).fetchone())


def _closeness(
    texts: Mapping[int, str], approved: frozenset[int], source: Meanings
) -> Callable[[int, int], float]:
    """Return the score of a pair for the database, which asks for the pairs of one new article in a row."""
    silent: Mapping[int, float] = dict.fromkeys(approved - texts.keys(), 1.0)
    last: int | None = None
    row = silent

    def closeness(new: int, other: int) -> float:
        nonlocal last, row
        if new != last:
            row = source.against_approved(new) if new in texts else silent
            last = new
        return row.get(other, 0.0)

    return closeness
