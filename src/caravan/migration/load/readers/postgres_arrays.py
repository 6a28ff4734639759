"""Arrays of PostgreSQL from their text form (https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO)."""

import re
from typing import Final

from caravan.migration.load.readers.rows import OddValueError, Parse

__all__ = ["array_parser"]

_BOUNDS: Final = re.compile(r"^(?:\[[-+]?\d+:[-+]?\d+\])+=")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


def array_parser(element: Parse, delimiter: str) -> Parse:
    """Return what makes (nested) lists; an array whose bounds are not 1 is refused, since a list cannot keep them."""
    token = re.compile(
        rf'(?P<open>\{{)|(?P<close>\}})|(?P<next>{delimiter})|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^{{}}"{delimiter}]+)',
        re.DOTALL,
    )

    def parse(text: str) -> object:
        if _BOUNDS.match(text):
            raise OddValueError("array.bounds", f"{text[:80]!r} does not begin at 1")
        return _nested(token, element, text)

    return parse


def _nested(token: re.Pattern[str], element: Parse, text: str) -> list[object]:
    outermost: list[object] = []
    open_lists = [outermost]
    for found in token.finditer(text):
        kind = found.lastgroup
        if kind == "open":
            inner: list[object] = []
            open_lists[-1].append(inner)
            open_lists.append(inner)
        elif kind == "close":
            open_lists.pop()
        elif kind == "quoted":
            open_lists[-1].append(element(_ESCAPED.sub(r"\1", found["quoted"])))
        elif kind == "plain":
            open_lists[-1].append(None if found["plain"] == "NULL" else element(found["plain"]))
    if len(open_lists) != 1 or len(outermost) != 1 or not isinstance(outermost[0], list):
        raise OddValueError("value.not_of_its_type", f"{text[:80]!r} is no array")
    return outermost[0]
