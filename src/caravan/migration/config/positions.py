"""Where each key of a TOML file stands: line and column, both from 1. The text is known to be TOML (version 1.0)."""

from collections.abc import Mapping
from typing import Final, TypeAlias

__all__ = ["Place", "Position", "nearest_position", "positions"]

Place: TypeAlias = tuple[str | int, ...]
Position: TypeAlias = tuple[int, int]

_BLANK: Final = " \t"
_ENDS_VALUE: Final = ",]}#\r\n"


def positions(text: str) -> dict[Place, Position]:
    """Return the position of every table, key and element of an array, by its place in the parsed value."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.found


def nearest_position(found: Mapping[Place, Position], place: Place) -> Position | None:
    """Return the position of a place, else of the innermost table around it; None when there is none."""
    for length in range(len(place), 0, -1):
        if place[:length] in found:
            return found[place[:length]]
    return None


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._arrays: dict[Place, int] = {}
        self.found: dict[Place, Position] = {}

    def document(self) -> None:
        table: Place = ()
        while self._skip(" \t\r\n"):
            if self._text.startswith("[[", self._at):
                table = self._header(2)
            elif self._text[self._at] == "[":
                table = self._header(1)
            else:
                self._pair(table)

    def _header(self, brackets: int) -> Place:
        start = self._at
        self._at += brackets
        names = self._names()
        self._at += brackets
        place: Place = ()
        for number, name in enumerate(names, start=1):
            place = (*place, name)
            last = number == len(names)
            self.found.setdefault(place, self._position(start))
            if place in self._arrays or (last and brackets == 2):  # noqa: PLR2004 - [[ begins an element
                if last:
                    self._arrays[place] = self._arrays.get(place, -1) + 1
                place = (*place, self._arrays[place])
        self.found.setdefault(place, self._position(start))
        return place

    def _pair(self, table: Place) -> None:
        start = self._at
        place = (*table, *self._names())
        for length in range(len(table) + 1, len(place) + 1):
            self.found.setdefault(place[:length], self._position(start))
        self._skip(_BLANK)
        self._at += 1  # the sign =
        self._value(place)

    def _names(self) -> list[str]:
        names = []
        while True:
            self._skip(_BLANK)
            names.append(self._name())
            self._skip(_BLANK)
            if self._peek() != ".":
                return names
            self._at += 1

    def _name(self) -> str:
        if self._peek() in "\"'":
            start = self._at
            self._string()
            return self._text[start + 1 : self._at - 1]
        start = self._at
        while self._peek().isalnum() or self._peek() in ("-", "_"):
            self._at += 1
        return self._text[start : self._at]

    def _value(self, place: Place) -> None:
        self._skip(_BLANK)
        sign = self._peek()
        if sign in ('"', "'"):
            self._string()
        elif sign == "[":
            self._array(place)
        elif sign == "{":
            self._inline(place)
        else:
            while self._peek() and self._peek() not in _ENDS_VALUE:
                self._at += 1

    def _array(self, place: Place) -> None:
        self._at += 1
        number = 0
        while self._skip(" \t\r\n,") and self._peek() != "]":
            self.found[(*place, number)] = self._position(self._at)
            self._value((*place, number))
            number += 1
        self._at += 1

    def _inline(self, place: Place) -> None:
        self._at += 1
        while self._skip(" \t\r\n,") and self._peek() != "}":
            self._pair(place)
        self._at += 1

    def _string(self) -> None:
        quote = self._text[self._at]
        if self._text.startswith(quote * 3, self._at):
            self._long_string(quote)
            return
        self._at += 1
        while self._peek() not in (quote, ""):
            self._at += 2 if quote == '"' and self._peek() == "\\" else 1
        self._at += 1

    def _long_string(self, quote: str) -> None:
        self._at += 3
        while self._peek() and not self._text.startswith(quote * 3, self._at):
            self._at += 2 if quote == '"' and self._peek() == "\\" else 1
        self._at += 3
        while self._peek() == quote:  # one or two quotes may stand before the closing ones
            self._at += 1

    def _skip(self, blank: str) -> bool:
        """Pass over blanks, and over comments where lines may end; tells whether anything is left."""
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign == "#" and "\n" in blank:
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif sign in blank:
                self._at += 1
            else:
                return True
        return False

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _position(self, at: int) -> Position:
        before = self._text.rfind("\n", 0, at)
        return self._text.count("\n", 0, at) + 1, at - before
