"""The grammar of RFC 9110 and 9112 that both kinds of heads share, without the leniencies the RFCs only allow."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

__all__ = [
    "FIELD_LINES",
    "HOST",
    "TOKEN",
    "FieldKinds",
    "NoFieldLineError",
    "first_bare_line_feed",
    "list_members",
]

TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
FIELD_LINES: Final = rb"(?:" + TOKEN + rb"++:[\t\x20-\x7e\x80-\xff]*+\r\n)*+"
"""Header lines: a name, a colon at once, a value without control characters. No folding, no bare line feed."""

_FIELD_LINE: Final = re.compile(TOKEN + rb"++:[\t\x20-\x7e\x80-\xff]*+")
HOST: Final = re.compile(
    rb"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z\-._~!$&'()*+,;=%]*)(?::[0-9]{0,5})?"  # RFC 3986, section 3.2.2
)
_BARE: Final = re.compile(rb"(?<!\r)\n")


_REMEMBERED: Final = 4_096
_SHORT: Final = 128
_SECRET: Final = frozenset({b"authorization", b"cookie", b"set-cookie", b"x-api-key"})


class NoFieldLineError(ValueError):
    """The line is no header line."""


class FieldKinds:
    """Checks header lines and sorts them by name. Lines come again and again: those seen lately are known by their whole text."""

    def __init__(self, kinds: Mapping[bytes, int]) -> None:
        self._kinds = kinds
        self._known: dict[bytes, int] = {}
        self.known = self._known.get
        """Returns the kind of a line that was found right before, or None when it is to be looked at with ``find``."""

    def find(self, line: bytes) -> int:
        """Return the kind of the line's name, -1 for a name of no kind; raises ``NoFieldLineError``."""
        if _FIELD_LINE.fullmatch(line) is None:
            raise NoFieldLineError(line)
        name = line.partition(b":")[0].lower()
        kind = self._kinds.get(name, -1)
        if len(line) <= _SHORT and name not in _SECRET:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[line] = kind
        return kind


def first_bare_line_feed(data: bytes) -> int:
    """Return where a line feed stands without its carriage return, -1 when none does."""
    found = _BARE.search(data)
    return -1 if found is None else found.start()


def list_members(value: bytes) -> Iterator[bytes]:
    """Yield the members of a comma-separated value in lower case, empty ones left out."""
    for member in value.split(b","):
        if name := member.strip(b" \t").lower():
            yield name
