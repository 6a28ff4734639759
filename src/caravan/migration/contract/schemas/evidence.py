"""What was seen of a JSON value, over all samples: counts that add up, so that order and grouping do not matter.

Memory is bounded: per text a few dozen values are kept, an object with hundreds of keys becomes a map.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from caravan.migration.contract.formats import FORMATS, formats_of
from caravan.migration.recording.redaction import is_placeholder

__all__ = ["ArrayEvidence", "Evidence", "ObjectEvidence", "TextEvidence", "merged"]

_ALL_FORMATS: Final = (1 << len(FORMATS)) - 1
_MOST_VALUES: Final = 48
_LONGEST_VALUE: Final = 64
_MOST_KEYS: Final = 400
_POSITIONS: Final = 4
_DEEPEST: Final = 40


class TextEvidence:
    """``marks`` counts redacted values, of which nothing else is known; ``values`` is None once there were too many."""

    __slots__ = ("bits", "count", "longest", "marks", "shortest", "values")

    def __init__(self) -> None:
        self.count, self.marks = 0, 0
        self.bits = _ALL_FORMATS
        self.shortest: int | None = None
        self.longest: int | None = None
        self.values: dict[str, int] | None = {}

    def add(self, text: str, times: int = 1) -> None:
        self.count += times
        if is_placeholder(text):
            self.marks += times
            return
        self.bits &= formats_of(text)
        length = len(text)
        self.shortest = length if self.shortest is None else min(self.shortest, length)
        self.longest = length if self.longest is None else max(self.longest, length)
        if self.values is None:
            return
        if length > _LONGEST_VALUE:
            self.values = None
            return
        self.values[text] = self.values.get(text, 0) + times
        if len(self.values) > _MOST_VALUES:
            self.values = None

    def merge(self, other: "TextEvidence") -> None:
        self.count += other.count
        self.marks += other.marks
        self.bits &= other.bits
        self.shortest = _least(self.shortest, other.shortest)
        self.longest = _most(self.longest, other.longest)
        if self.values is None or other.values is None:
            self.values = None
            return
        for text, times in other.values.items():
            self.values[text] = self.values.get(text, 0) + times
        if len(self.values) > _MOST_VALUES:
            self.values = None


class ArrayEvidence:
    """The first positions are kept apart, which tells a tuple from a list."""

    __slots__ = ("count", "longest", "positions", "rest", "shortest")

    def __init__(self) -> None:
        self.count = 0
        self.shortest: int | None = None
        self.longest: int | None = None
        self.positions: list[Evidence] = []
        self.rest: Evidence | None = None

    def add(self, items: list[Any], depth: int) -> None:
        self.count += 1
        self.shortest = _least(self.shortest, len(items))
        self.longest = _most(self.longest, len(items))
        while len(self.positions) < min(len(items), _POSITIONS):
            self.positions.append(Evidence())
        for position, item in zip(self.positions, items, strict=False):
            position.add(item, depth)
        if len(items) > _POSITIONS:
            rest = self.rest = self.rest or Evidence()
            for item in items[_POSITIONS:]:
                rest.add(item, depth)

    def merge(self, other: "ArrayEvidence") -> None:
        self.count += other.count
        self.shortest = _least(self.shortest, other.shortest)
        self.longest = _most(self.longest, other.longest)
        while len(self.positions) < len(other.positions):
            self.positions.append(Evidence())
        for mine, theirs in zip(self.positions, other.positions, strict=False):
            mine.merge(theirs)
        if other.rest is not None:
            self.rest = self.rest or Evidence()
            self.rest.merge(other.rest)

    def items(self) -> "Evidence":
        """Return what is known of all items together."""
        return merged(*self.positions, *([] if self.rest is None else [self.rest]))


class ObjectEvidence:
    """``fields`` by key; ``collapsed`` holds the values of all keys once there were too many of them."""

    __slots__ = ("collapsed", "count", "fields", "keys")

    def __init__(self) -> None:
        self.count = 0
        self.fields: dict[str, Evidence] = {}
        self.collapsed: Evidence | None = None
        self.keys = _ALL_FORMATS

    def add(self, table: Mapping[str, Any], depth: int) -> None:
        self.count += 1
        for key, value in table.items():
            if self.collapsed is not None:
                self.keys &= formats_of(key)
                self.collapsed.add(value, depth)
                continue
            known = self.fields.get(key)
            if known is None:
                known = self.fields[key] = Evidence()
                self.keys &= formats_of(key)
            known.add(value, depth)
        self._bound()

    def merge(self, other: "ObjectEvidence") -> None:
        self.count += other.count
        self.keys &= other.keys
        if other.collapsed is not None:
            self._collapse()
            assert self.collapsed is not None  # noqa: S101 - just made
            self.collapsed.merge(other.collapsed)
        for key, theirs in other.fields.items():
            mine = self.collapsed or self.fields.setdefault(key, Evidence())
            mine.merge(theirs)
        self._bound()

    def any_value(self) -> "Evidence":
        """Return what is known of the values of all keys together."""
        return self.collapsed or merged(*self.fields.values())

    def _bound(self) -> None:
        if self.collapsed is None and len(self.fields) > _MOST_KEYS:
            self._collapse()

    def _collapse(self) -> None:
        if self.collapsed is None:
            self.collapsed, self.fields = merged(*self.fields.values()), {}


class Evidence:
    """Counts per type. Numbers keep their least and greatest."""

    __slots__ = (
        "array",
        "booleans",
        "greatest",
        "integers",
        "least",
        "nulls",
        "numbers",
        "object",
        "text",
        "total",
    )

    def __init__(self) -> None:
        self.total = self.nulls = self.booleans = self.integers = self.numbers = 0
        self.least: float | None = None
        self.greatest: float | None = None
        self.text: TextEvidence | None = None
        self.array: ArrayEvidence | None = None
        self.object: ObjectEvidence | None = None

    def add(self, value: Any, depth: int = 0) -> None:  # noqa: ANN401 - any JSON value
        """Take one more sample; what lies deeper than forty levels is not looked at."""
        self.total += 1
        if isinstance(value, str):
            self.text = self.text or TextEvidence()
            self.text.add(value)
        elif value is None:
            self.nulls += 1
        elif isinstance(value, bool):
            self.booleans += 1
        elif isinstance(value, int | float):
            self._add_number(value)
        elif depth < _DEEPEST:
            self._add_container(value, depth + 1)

    def _add_number(self, value: float) -> None:
        self.integers += isinstance(value, int)
        self.numbers += isinstance(value, float)
        self.least, self.greatest = _least(self.least, value), _most(self.greatest, value)

    def _add_container(self, value: Any, depth: int) -> None:  # noqa: ANN401 - a list or a dict
        if isinstance(value, dict):
            self.object = self.object or ObjectEvidence()
            self.object.add(value, depth)
        elif isinstance(value, list):
            self.array = self.array or ArrayEvidence()
            self.array.add(value, depth)

    def merge(self, other: "Evidence") -> None:
        """Take all samples of another; the other stays as it is."""
        self.total += other.total
        self.nulls += other.nulls
        self.booleans += other.booleans
        self.integers += other.integers
        self.numbers += other.numbers
        self.least, self.greatest = _least(self.least, other.least), _most(self.greatest, other.greatest)
        if other.text is not None:
            self.text = self.text or TextEvidence()
            self.text.merge(other.text)
        if other.array is not None:
            self.array = self.array or ArrayEvidence()
            self.array.merge(other.array)
        if other.object is not None:
            self.object = self.object or ObjectEvidence()
            self.object.merge(other.object)


def merged(*parts: Evidence) -> Evidence:
    """Return what all know together."""
    whole = Evidence()
    for part in parts:
        whole.merge(part)
    return whole


_Number = TypeVar("_Number", int, float)


def _least(first: _Number | None, second: _Number | None) -> _Number | None:
    if first is None or second is None:
        return first if second is None else second
    return min(first, second)


def _most(first: _Number | None, second: _Number | None) -> _Number | None:
    if first is None or second is None:
        return first if second is None else second
    return max(first, second)
