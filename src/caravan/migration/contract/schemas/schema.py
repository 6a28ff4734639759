"""The shape of a JSON value, and its join: the narrowest shape that both are cases of.

``join`` is associative, commutative and idempotent; ``NOTHING`` is its unit and ``ANY`` swallows everything. So a schema
may be widened by samples in any order, and ``join(a, b) == a`` says that b promises at least what a does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Final, TypeVar

from caravan.migration.contract.formats import common_format

__all__ = ["ANY", "MOST_VALUES", "NOTHING", "Array", "Field", "Object", "Schema", "String", "joined"]

MOST_VALUES: Final = 24


@dataclass(frozen=True, slots=True)
class String:
    """``values`` is the closed set of what it may be, or None; then ``format`` names its shape, where it has one."""

    format: str | None = None
    values: frozenset[str] | None = None

    def join(self, other: "String") -> "String":
        if self.values is not None and other.values is not None:
            values = self.values | other.values
            return String(values=values) if len(values) <= MOST_VALUES else String()
        if self.values is not None or other.values is not None:
            return String()
        return String(common_format(self.format, other.format))


@dataclass(frozen=True, slots=True)
class Array:
    """Either ``positions`` (a tuple of fixed length), or ``items`` of one shape."""

    items: "Schema"
    positions: "tuple[Schema, ...] | None" = None

    @classmethod
    def of_positions(cls, positions: "tuple[Schema, ...]") -> "Array":
        return cls(joined(positions), positions)

    def join(self, other: "Array") -> "Array":
        mine, theirs = self.positions, other.positions
        if mine is not None and theirs is not None and len(mine) == len(theirs):
            return Array.of_positions(tuple(a.join(b) for a, b in zip(mine, theirs, strict=True)))
        return Array(self.items.join(other.items))


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a record; one that is not required may be absent."""

    schema: "Schema"
    required: bool = True


@dataclass(frozen=True, slots=True)
class Object:
    """Either a record with ``fields``, or a map: keys are data, of the shape ``keys``, and all ``values`` are alike."""

    fields: Mapping[str, Field] = field(default_factory=dict)
    values: "Schema | None" = None
    keys: str | None = None

    def join(self, other: "Object") -> "Object":
        if self.values is None and other.values is None:
            names = {**self.fields, **other.fields}
            return Object(
                {name: _field(self.fields.get(name), other.fields.get(name)) for name in sorted(names)}
            )
        keys = (
            common_format(self.keys, other.keys)
            if self.values is not None and other.values is not None
            else None
        )
        return Object(values=self.any_value().join(other.any_value()), keys=keys)

    def any_value(self) -> "Schema":
        """Return the shape that every value has, whatever its key."""
        if self.values is not None:
            return self.values
        return joined(tuple(known.schema for known in self.fields.values()))

    def __hash__(self) -> int:
        return hash((frozenset(self.fields), self.values, self.keys))


@dataclass(frozen=True, slots=True)
class Schema:
    """A union of types: ``simple`` holds null, boolean, integer, number; an integer is a number written without a point.

    ``anything`` claims nothing. A schema without any type was never seen to have a value.
    """

    simple: frozenset[str] = frozenset()
    string: String | None = None
    array: Array | None = None
    object: Object | None = None
    anything: bool = False

    def join(self, other: "Schema") -> "Schema":
        """Return the narrowest schema of which both are cases."""
        if self.anything or other.anything:
            return ANY
        simple = self.simple | other.simple
        return Schema(
            simple=simple - {"integer"} if "number" in simple else simple,
            string=_either(self.string, other.string),
            array=_either(self.array, other.array),
            object=_either(self.object, other.object),
        )

    def covers(self, other: "Schema") -> bool:
        """Tell whether everything the other allows is allowed here too."""
        return self.join(other) == self

    @property
    def nullable(self) -> bool:
        return "null" in self.simple


NOTHING: Final = Schema()
ANY: Final = Schema(anything=True)


def joined(schemas: "tuple[Schema, ...]") -> Schema:
    """Return the join of them all."""
    return reduce(Schema.join, schemas, NOTHING)


_Part = TypeVar("_Part", String, Array, Object)


def _either(first: _Part | None, second: _Part | None) -> _Part | None:
    if first is None or second is None:
        return first if second is None else second
    return first.join(second)


def _field(first: Field | None, second: Field | None) -> Field:
    if first is not None and second is not None:
        return Field(first.schema.join(second.schema), first.required and second.required)
    known = first or second
    return Field(known.schema if known is not None else NOTHING, required=False)
