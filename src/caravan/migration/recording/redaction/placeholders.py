"""What stands where a secret stood: equal secrets get equal marks, and no mark leads back without the key.

A mark is ``~kind.tag~``: letters, digits and ``~.`` alone, so it is safe in paths, queries, headers, cookies and JSON. The
tag is the head of an HMAC-SHA-256 of the value under the recording's key. Numbers stay numbers of as many digits, the
first a 9, which is no beginning of a card number.
"""

import hashlib
import hmac
import re
import secrets
from typing import Final, Literal, TypeAlias

__all__ = ["Kind", "Placeholders", "is_placeholder", "new_key"]

Kind: TypeAlias = Literal["secret", "card", "token", "client", "declared"]
_TAG: Final = 12  # hexadecimal digits: 48 bits, no two of a million values alike by chance
_MARK: Final = re.compile(r"~(?:secret|card|token|client|declared)\.[0-9a-f]{12}~")
_DIGIT: Final = re.compile(r"\d")


def new_key() -> bytes:
    """Return a fresh key for one recording."""
    return secrets.token_bytes(32)


def is_placeholder(text: str) -> bool:
    """Tell whether the text is a mark, or has one in it."""
    return "~" in text and _MARK.search(text) is not None


class Placeholders:
    """Marks of one recording."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def text(self, kind: Kind, value: str) -> str:
        """Return the mark for a text; a mark stays itself, so redacting twice changes nothing."""
        if _MARK.fullmatch(value):
            return value
        return f"~{kind}.{self.digest(value.encode('utf-8', 'surrogatepass')).hex()[:_TAG]}~"

    def number(self, value: str) -> str:
        """Return a number of the same form for a number as it was written."""
        digits = iter(str(int.from_bytes(self.digest(value.encode()) * 4)))
        marked = _DIGIT.sub(lambda _: next(digits, "0"), value.partition("e")[0].partition("E")[0])
        return _DIGIT.sub("9", marked, count=1)

    def digest(self, data: bytes) -> bytes:
        """Return the full keyed hash."""
        return hmac.digest(self._key, data, hashlib.sha256)
