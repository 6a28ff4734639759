"""The slow side: the same stages as `analyze_fast` of the deduper, with single-row queries and updates for each pair.

This is how the legacy program worked: two look-ups and one update per pair and stage, vectors cached per article, a
commit per thousand rows (a hundred in the last stage).
"""

import sqlite3
from collections import Counter
from collections.abc import Callable
from math import sqrt
from typing import Final

from examples.legacy.deduper.src.article_duplicates.canonical_urls import canonical_url
from examples.legacy.deduper.src.article_duplicates.fingerprints import words
from examples.legacy.deduper.src.article_duplicates.similar_meanings import readable

__all__ = ["analyze_pair_by_pair"]

_STATE: Final = (
    "SELECT s.abbreviation FROM ArticleStateContracts c JOIN States s ON s.id = c.stateId"
    " WHERE c.articleId = ? LIMIT 1"
)
_URL: Final = "SELECT url FROM Articles WHERE id = ?"
_TEXT: Final = "SELECT textForPdfReport FROM ArticleApproveds WHERE articleId = ? LIMIT 1"
_PAIRS: Final = "SELECT id, articleIdNew, articleIdApproved FROM ArticleDuplicateAnalyses WHERE"

_Pair = tuple[int, int, int]


def analyze_pair_by_pair(connection: sqlite3.Connection, new: list[int], report: int) -> int:
    """Fill the empty table for these articles of a report, and return the number of pairs."""
    pairs = _load(connection, new, report)
    _each(connection, f"{_PAIRS} articleNewState = '' OR sameStateFlag = 0", 1000, _state)
    _each(connection, f"{_PAIRS} urlCheck = 0", 1000, _url)
    vectors: dict[int, dict[str, float] | None] = {}
    _each(connection, f"{_PAIRS} embeddingSearch = 0", 100, lambda c, pair: _meaning(c, pair, vectors))
    return pairs


def _load(connection: sqlite3.Connection, new: list[int], report: int) -> int:
    approved = [
        number
        for (number,) in connection.execute(
            "SELECT DISTINCT articleId FROM ArticleApproveds WHERE isApproved = 1"
        )
    ]
    rows = [(one, other, report, int(one == other)) for one in new for other in approved]
    for first in range(0, len(rows), 1000):
        connection.executemany(
            "INSERT INTO ArticleDuplicateAnalyses (articleIdNew, articleIdApproved, reportId, sameArticleIdFlag,"
            " articleNewState, articleApprovedState, sameStateFlag, urlCheck, contentHash, embeddingSearch,"
            " createdAt, updatedAt)"
            " VALUES (?, ?, ?, ?, '', '', 0, 0, 0, 0, datetime('now'), datetime('now'))",
            rows[first : first + 1000],
        )
        connection.commit()
    return len(rows)


def _each(
    connection: sqlite3.Connection,
    candidates: str,
    batch: int,
    compare: Callable[[sqlite3.Connection, _Pair], None],
) -> None:
    for number, pair in enumerate(connection.execute(candidates).fetchall(), start=1):
        compare(connection, pair)
        if number % batch == 0:
            connection.commit()
    connection.commit()


def _state(connection: sqlite3.Connection, pair: _Pair) -> None:
    row, new, approved = pair
    found = [connection.execute(_STATE, (article,)).fetchone() for article in (new, approved)]
    states = [state[0] if state else "" for state in found]
    connection.execute(
        "UPDATE ArticleDuplicateAnalyses SET articleNewState = ?, articleApprovedState = ?, sameStateFlag = ?,"
        " updatedAt = datetime('now') WHERE id = ?",
        (*states, int(states[0] == states[1]), row),
    )


def _url(connection: sqlite3.Connection, pair: _Pair) -> None:
    row, new, approved = pair
    (one,), (other,) = (connection.execute(_URL, (article,)).fetchone() for article in (new, approved))
    same = one is other if one is None or other is None else canonical_url(one) == canonical_url(other)
    connection.execute(
        "UPDATE ArticleDuplicateAnalyses SET urlCheck = ?, updatedAt = datetime('now') WHERE id = ?",
        (int(same), row),
    )


def _meaning(
    connection: sqlite3.Connection,
    pair: _Pair,
    vectors: dict[int, dict[str, float] | None],
) -> None:
    row, *articles = pair
    for article in articles:
        if article not in vectors:
            found = connection.execute(_TEXT, (article,)).fetchone()
            vectors[article] = _vector(readable(found[0])) if found and found[0] is not None else None
    one, other = (vectors[article] for article in articles)
    if one is None or other is None:
        score = 1.0 if one is other else 0.0
    else:
        score = min(sum(weight * other.get(feature, 0.0) for feature, weight in one.items()), 1.0)
    connection.execute(
        "UPDATE ArticleDuplicateAnalyses SET embeddingSearch = ?, updatedAt = datetime('now') WHERE id = ?",
        (score, row),
    )


def _vector(text: str) -> dict[str, float]:
    """Return the weight of each word; the squares of all add up to 1."""
    counted = Counter(words(text))
    length = sqrt(sum(count * count for count in counted.values()))
    return {word: count / length for word, count in counted.items()}
