"""Finds a path's template by its segments: one dictionary look-up each, no pattern is tried in turn.

Servers differ in which spellings of a path mean the same resource (escapes, doubled and trailing slashes, dots, case). A path
that matches no template as it stands is looked up once more in a form in which all those spellings are one: a write must
not get round its unit's authority by being spelt oddly. What is sent on is always the path as it came.
"""

import re
from typing import Final, Generic, TypeVar

__all__ = ["SegmentIndex", "plain_path"]

Value = TypeVar("Value")

_PARAMETER: Final = re.compile(r"\{[^{}/]*\}")
_TAIL: Final = re.compile(r"\{[^{}/]*:path\}")
_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})")


class _Node(Generic[Value]):
    __slots__ = ("parameter", "static", "tail", "value")

    def __init__(self) -> None:
        self.static: dict[bytes, _Node[Value]] = {}
        self.parameter: _Node[Value] | None = None
        self.tail: Value | None = None
        self.value: Value | None = None


class SegmentIndex(Generic[Value]):
    """Templates such as ``/orders/{id}`` and ``/files/{name:path}``. Static segments win over parameters, those over tails."""

    def __init__(self) -> None:
        self._exact: _Node[Value] = _Node()
        self._plain: _Node[Value] = _Node()
        self._static: dict[bytes, Value] = {}

    def add(self, template: str, value: Value) -> None:
        """Add a template; the first of two that match the same paths wins."""
        _insert(self._exact, template.encode().split(b"/")[1:], value)
        if not _PARAMETER.search(template):
            self._static.setdefault(template.encode(), value)
        pieces = [part for part in template.split("/")[1:] if part]
        _insert(self._plain, [_plain_piece(piece) for piece in pieces] or [b""], value)

    def find(self, path: bytes) -> Value | None:
        """Return what the template of this path was added with."""
        found = self._static.get(path)
        if found is None:
            segments = path.split(b"/")
            found = _follow(self._exact, segments)
            if found is None:
                found = _search(self._exact, segments, 1)
        if found is None:
            found = _search(self._plain, plain_path(path).split(b"/"), 1)
        return found


def plain_path(path: bytes) -> bytes:
    """Return a path unescaped, in lower case, without empty segments, dots and a trailing slash."""
    for _ in range(2):  # some servers unescape twice
        path = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), path)
    kept: list[bytes] = []
    for segment in path.lower().replace(b"\\", b"/").split(b"/"):
        name = segment.partition(b";")[0]
        if name == b"..":
            del kept[-1:]
        elif name not in (b"", b"."):
            kept.append(name)
    return b"/" + b"/".join(kept)


def _plain_piece(piece: str) -> bytes:
    return piece.encode() if _PARAMETER.search(piece) else piece.lower().encode()


def _insert(node: _Node[Value], segments: list[bytes], value: Value) -> None:
    for segment in segments:
        text = segment.decode()
        if _TAIL.fullmatch(text):
            if node.tail is None:
                node.tail = value
            return
        if _PARAMETER.search(text):
            if node.parameter is None:
                node.parameter = _Node()
            node = node.parameter
        else:
            node = node.static.setdefault(segment, _Node())
    if node.value is None:
        node.value = value


def _follow(node: _Node[Value], segments: list[bytes]) -> Value | None:
    """Return what the first way of ``_search`` leads to, without looking back: nearly always that is it."""
    for segment in segments[1:]:
        following = node.static.get(segment)
        if following is None:
            following = node.parameter if segment else None
            if following is None:
                return None
        node = following
    return node.value


def _search(node: _Node[Value], segments: list[bytes], at: int) -> Value | None:
    if at == len(segments):
        return node.value
    segment = segments[at]
    following = node.static.get(segment)
    if following is not None:
        found = _search(following, segments, at + 1)
        if found is not None:
            return found
    if node.parameter is not None and segment:
        found = _search(node.parameter, segments, at + 1)
        if found is not None:
            return found
    return node.tail if node.tail is not None and segment else None
