"""The built-in stand-in for the sentence model: the cosine of the words that two texts share.

It understands nothing: a paraphrase scores low. It needs no model, no download, and gives the same score in each run.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import chain
from math import sqrt

from .fingerprints import words

__all__ = ["WordOverlap"]


class WordOverlap:
    """Cosine similarity of the texts' words, counted."""

    def __init__(self, texts: Mapping[int, str], approved: frozenset[int]) -> None:
        self._texts = texts
        self._lengths: dict[int, float] = {}
        self._holders: dict[str, list[int]] = defaultdict(
            list
        )  # an article stands there as often as the word in it
        for article in approved & texts.keys():
            told = words(texts[article])
            self._lengths[article] = _length(told)
            for word in told:
                self._holders[word].append(article)

    def against_approved(self, article: int) -> Mapping[int, float]:
        """Return the cosine by approved article that shares a word."""
        told = words(self._texts[article])
        own = _length(told)
        shared = Counter(chain.from_iterable(self._holders.get(word, ()) for word in told))
        return {other: count / (own * self._lengths[other]) for other, count in shared.items()}


def _length(told: list[str]) -> float:
    """Return the length of a text as a vector of counted words."""
    return sqrt(sum(count * count for count in Counter(told).values()))
