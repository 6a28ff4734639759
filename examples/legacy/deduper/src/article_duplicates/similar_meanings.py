"""Scores of meaning between texts, one new article against all approved ones."""

import re
from collections.abc import Mapping
from typing import Final, Protocol

from .environment import setting
from .word_overlap import WordOverlap

__all__ = ["Meanings", "meanings", "readable"]

_LONGEST: Final = 1000
_TAG: Final = re.compile(r"<[^>]*>")


class Meanings(Protocol):
    """Scores of one article at a time."""

    def against_approved(self, article: int) -> Mapping[int, float]:
        """Return the score, 0 to 1, by approved article; one that is left out scores 0."""


def meanings(texts: Mapping[int, str], approved: frozenset[int]) -> Meanings:
    """Return scores by the sentence model, or by word overlap when DEDUPER_BUILTIN_EMBEDDING is 1."""
    readables = {article: readable(text) for article, text in texts.items()}
    if setting("DEDUPER_BUILTIN_EMBEDDING") == "1":
        return WordOverlap(readables, approved)
    from .sentence_model import SentenceModel  # noqa: PLC0415 - needs the extra

    return SentenceModel(readables, approved)


def readable(text: str) -> str:
    """Return the part of a text that is compared: no tags, single spaces, the first 1,000 characters."""
    return " ".join(_TAG.sub(" ", text).split())[:_LONGEST]
