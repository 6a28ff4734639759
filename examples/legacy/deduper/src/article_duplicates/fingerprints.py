"""Fingerprints of texts: equal texts share a SHA-1, similar ones most bits of a SimHash.

SimHash: M. Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002. Words are hashed with
BLAKE2b, so a text has the same fingerprint in every run and on every machine.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

__all__ = ["BITS", "Fingerprint", "fingerprint", "likeness", "words"]

BITS: Final = 64
_LANE: Final = 32
"""Bits per counter; a text may have 2**32 - 1 words."""
_TAG: Final = re.compile(r"<[^>]*>")
_WORD: Final = re.compile(r"[^\W_]{3,}")  # punctuation ends a word; one or two letters are none
_STOPPED: Final = (
    "about after also and are been but can did for from had has have her him his how into its more not now off our"
    " she than that the their they this was were will with you"
)
_STOP_WORDS: Final = frozenset(_STOPPED.split())


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Of one text: the SHA-1 of its words, and their SimHash."""

    digest: bytes
    simhash: int


def words(text: str) -> list[str]:
    """Return the words that count: lower case, without tags and punctuation, no short and no stop words."""
    return [word for word in _WORD.findall(_TAG.sub(" ", text.lower())) if word not in _STOP_WORDS]


def fingerprint(headline: str | None, text: str | None) -> Fingerprint | None:
    """Return the fingerprint of headline and text together; ``None`` when there is neither."""
    if headline is None and text is None:
        return None
    counted = words(f"{headline or ''} {text or ''}")
    digest = hashlib.sha1(" ".join(counted).encode(), usedforsecurity=False).digest()
    return Fingerprint(digest, _simhash(counted))


def likeness(one: Fingerprint | None, other: Fingerprint | None) -> float:
    """Return 1.0 for equal texts or two missing ones, 0.0 when one is missing, else the share of equal bits."""
    if one is None or other is None:
        return 1.0 if one is other else 0.0
    if one.digest == other.digest:
        return 1.0
    return 1.0 - (one.simhash ^ other.simhash).bit_count() / BITS


def _simhash(counted: list[str]) -> int:
    """Set each bit that more than half of the words have set.

    The 64 counters are the lanes of one long integer, so that a word is one addition.
    """
    total = sum(map(_lanes, counted))
    counters = memoryview(total.to_bytes(BITS * _LANE // 8, "little")).cast("I")
    half = len(counted) / 2
    return sum(1 << bit for bit, count in enumerate(counters) if count > half)


@lru_cache(maxsize=100_000)
def _lanes(word: str) -> int:
    hashed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=BITS // 8).digest(), "little")
    return sum((hashed >> bit & 1) << bit * _LANE for bit in range(BITS))
