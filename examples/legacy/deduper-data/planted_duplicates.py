"""Reports whose duplicates are known because they were planted."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any, Final

from article_rows import Article, ArticleRows
from invented_articles import Inventor

__all__ = ["Planter"]

_BARE: Final = 3
"""Approved articles without a URL, and as many without headline and text."""
_PER_KIND: Final = 2


class Planter:
    """Makes the approved articles, then reports; each approved article is copied once at most."""

    PLANTED: Final = 5 * _PER_KIND + 2 + _PER_KIND + 2
    """New articles of a report that are copies, bare, or only look like copies; the others are unrelated."""

    def __init__(self, inventor: Inventor, rows: ArticleRows, approved: int) -> None:
        self._inventor = inventor
        self._rows = rows
        self._articles: dict[int, Article] = {}
        for _ in range(approved - 2 * _BARE):
            self._approve(inventor.article())
        self._without_url = [self._approve(replace(inventor.article(), url=None)) for _ in range(_BARE)]
        self._without_text = [
            self._approve(replace(inventor.article(), headline=None, text=None)) for _ in range(_BARE)
        ]
        self.approved_ids = list(self._articles)
        for number in self.approved_ids[:20]:  # an article may be approved twice
            rows.approve(number, self._articles[number], approved=True)
        for _ in range(20):  # and not every judged one is approved
            rows.add(inventor.article(), approved=False)
        plain = self.approved_ids[: -2 * _BARE]
        self._originals = iter(inventor.dice.sample(plain, len(plain)))

    def report(self, number: int, new: int) -> dict[str, Any]:
        """Add a report of ``new`` articles; returns their ids and the pairs (new, approved) of each kind."""
        same_id = [[original, original] for original in self._take(_PER_KIND)]
        planted = {
            "same_id": same_id,
            "same_url": self._copies("url"),
            "same_text": self._copies("dressed"),
            "near_text": self._copies("near"),
            "same_url_and_text": self._copies("both"),
        }
        bare = {
            "no_url": self._rows.add(replace(self._inventor.article(), url=None), approved=False),
            "no_text": self._rows.add(self._inventor.article(), approved=None),
        }
        ids = [pair[0] for pairs in planted.values() for pair in pairs] + list(bare.values())
        ids += [pair[0] for pair in self._copies("almost")]
        ids += [self._rows.add(self._inventor.article(), approved=False) for _ in range(new - len(ids))]
        self._inventor.dice.shuffle(ids)
        self._rows.report(number, ids)
        return {
            "new": ids,
            "planted": planted
            | {
                "no_url": [list(pair) for pair in product([bare["no_url"]], self._without_url)],
                "no_text": [list(pair) for pair in product([bare["no_text"]], self._without_text)],
            },
        }

    def _copies(self, kind: str) -> list[list[int]]:
        return [
            [self._rows.add(self._copy(self._articles[original], kind), approved=False), original]
            for original in self._take(_PER_KIND)
        ]

    def _copy(self, original: Article, kind: str) -> Article:
        inventor, fresh = self._inventor, self._inventor.article()
        url, headline, text = original.url or "", original.headline or "", original.text or ""
        dressed = {"headline": inventor.dressed(headline), "text": inventor.dressed(text)}
        changes: dict[str, dict[str, str]] = {
            "url": {"url": inventor.respelled(url)},
            "dressed": dressed,
            "near": {"headline": headline, "text": inventor.near(text)},
            "both": {"url": inventor.respelled(url), **dressed},
            "almost": {"url": inventor.almost(url)},
        }
        return replace(fresh, state=original.state, **changes[kind])

    def _take(self, count: int) -> Sequence[int]:
        return [next(self._originals) for _ in range(count)]

    def _approve(self, article: Article) -> int:
        number = self._rows.add(article, approved=True)
        self._articles[number] = article
        return number
