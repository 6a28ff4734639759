"""Turns evidence into a schema: what is claimed, and what is left open because too little was seen.

A set of values is closed only when each was seen several times and none once: by Good and Turing's estimate the chance
that the next one is new is then next to nothing (Good, "The population frequencies of species", 1953).
"""

import re
from typing import Final

from caravan.migration.contract.formats import BY_NAME, Format, most_special
from caravan.migration.contract.schemas.evidence import ArrayEvidence, Evidence, ObjectEvidence, TextEvidence
from caravan.migration.contract.schemas.schema import ANY, MOST_VALUES, Array, Field, Object, Schema, String

__all__ = ["describe", "describe_parameter", "describe_text"]

_ENOUGH_NULLS: Final = 20  # before "always null" is a claim
_ENOUGH_WEAK: Final = 3  # values before a shape that could be chance is believed
_ENOUGH_SAMPLES: Final = 30
_SAMPLES_PER_VALUE: Final = 10
_TIMES_EACH: Final = 3
_ENOUGH_TUPLES: Final = 5
_LONGEST_TUPLE: Final = 4
_MAP_KEYS: Final = 20
_MAP_PRESENCE: Final = 0.2  # share of objects that have a key, on average, when keys are data
_DATA_KEYS: Final = frozenset({"uuid", "objectid", "digits", "hash", "date", "email"})
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_./:-][A-Za-z0-9]+)*")
_FREE: Final = re.compile(
    r"(?:^|_|(?<=[a-z]))(?:[Nn]ames?|[Tt]itle|[Cc]ity|[Ss]treet|[Nn]otes?|[Tt]ext|[Qq]|[Qq]uery|[Ss]lug|[Uu]ser)$"
)
"""Fields of this name hold what people write, however few the samples."""


def describe(evidence: Evidence, name: str = "") -> Schema:
    """Return what the samples say about a value; ``name`` is the field it stands in."""
    if evidence.nulls and evidence.nulls == evidence.total < _ENOUGH_NULLS:
        return ANY
    simple = {
        kind
        for kind, seen in (
            ("null", evidence.nulls),
            ("boolean", evidence.booleans),
            ("number", evidence.numbers),
            ("integer", evidence.integers and not evidence.numbers),
        )
        if seen
    }
    return Schema(
        simple=frozenset(simple),
        string=None if evidence.text is None else describe_text(evidence.text, name),
        array=None if evidence.array is None else _array(evidence.array, name),
        object=None if evidence.object is None else _object(evidence.object),
    )


def describe_text(text: TextEvidence, name: str = "") -> String:
    """Return the shape of a text, or its closed set of values."""
    known = text.count - text.marks
    form = most_special(text.bits) if known else None
    if form is not None and (form.strong or known >= _ENOUGH_WEAK):
        return String(format=_believed(form, known))
    if (
        form is None
        and text.values
        and not text.marks
        and not _FREE.search(name)
        and _is_closed(text.values, known)
    ):
        return String(values=frozenset(text.values))
    return String()


def describe_parameter(text: TextEvidence, name: str = "") -> Schema:
    """Return the type of a parameter, which comes as text: digits are an integer, true and false a boolean."""
    form = most_special(text.bits) if text.count > text.marks else None
    if form is not None and form.name == "digits":
        return Schema(simple=frozenset({"integer"}))
    if text.values and set(text.values) <= {"true", "false"}:
        return Schema(simple=frozenset({"boolean"}))
    return Schema(string=describe_text(text, name))


def _believed(form: Format, known: int) -> str:
    """A few whole amounts are no proof that none has cents."""
    if form.name == "digits" and known < _ENOUGH_SAMPLES:
        return BY_NAME["decimal"].name
    return form.name


def _is_closed(values: dict[str, int], known: int) -> bool:
    return (
        len(values) <= MOST_VALUES
        and known >= max(_ENOUGH_SAMPLES, _SAMPLES_PER_VALUE * len(values))
        and min(values.values()) >= _TIMES_EACH
        and all(map(_WORD.fullmatch, values))
    )


def _array(array: ArrayEvidence, name: str) -> Array:
    length = array.longest or 0
    if array.count >= _ENOUGH_TUPLES and 1 < length <= _LONGEST_TUPLE and array.shortest == length:
        positions = tuple(describe(position, name) for position in array.positions)
        if len(set(positions)) > 1:
            return Array.of_positions(positions)
    return Array(describe(array.items(), name))


def _object(table: ObjectEvidence) -> Object:
    if _is_map(table):
        form = most_special(table.keys)
        return Object(values=describe(table.any_value()), keys=None if form is None else form.name)
    return Object(
        {
            name: Field(describe(table.fields[name], name), required=table.fields[name].total == table.count)
            for name in sorted(table.fields)
        }
    )


def _is_map(table: ObjectEvidence) -> bool:
    if table.collapsed is not None:
        return True
    if not table.fields:
        return False
    form = most_special(table.keys)
    if form is not None and form.name in _DATA_KEYS:
        return True
    presence = sum(known.total for known in table.fields.values()) / (len(table.fields) * table.count)
    return len(table.fields) >= _MAP_KEYS and presence <= _MAP_PRESENCE
