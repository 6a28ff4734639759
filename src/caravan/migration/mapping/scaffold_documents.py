"""A first guess at the codec of a field, from the documents or lines of a sample."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bson import Binary, DBRef, Int64, Timestamp

from caravan.migration.mapping.scaffold_text import DraftField, DraftTable, entity_name, table_name

__all__ = ["drafted_collection", "drafted_lines"]

_UUIDS: Final = (3, 4)
_NUMBERS: Final = frozenset({"int", "float", "Decimal128", "Decimal"})
_CANONICAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NAMES: Final[Mapping[type, str]] = {
    Int64: "int",
    DBRef: "reference",
    Timestamp: "datetime",
    dict: "document",
}
_SIMPLE: Final[Mapping[str, str]] = {
    "str": "Text()",
    "int": "BigInteger()",
    "float": "Float()",
    "bool": "Flag()",
    "datetime": "Date()",
    "Decimal128": "Exact()",
    "bytes": "Bytes()",
    "list": "Json()",
    "document": "Json()",
    "ObjectId": "KeyText()",
    "uuid": "Uuid()",
}


def drafted_collection(
    name: str, documents: Iterable[Mapping[str, Any]], known: Sequence[str], schema: str
) -> DraftTable:
    """Return the draft of a collection. ``known``: the collections that are drafted, which references may lead to."""
    seen: dict[str, dict[str, Any]] = {}
    count = 0
    for document in documents:
        count += 1
        for field, value in document.items():
            kinds = seen.setdefault(field, {})
            if value is not None:
                kinds.setdefault(_kind(value), value)
    draft = DraftTable(
        name, ("_id",), remarks=[f"Guessed from {count} documents; what they do not show goes to extra."]
    )
    draft.fields = [
        _field(field, kinds, known, schema)
        for field, kinds in seen.items()
        if field not in {"_id", "_original"}
    ]
    return draft


def drafted_lines(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> DraftTable:
    """Return the draft of a CSV file, all of whose values are text unless the migration file says otherwise."""
    values: dict[str, list[Any]] = {column: [] for column in columns}
    for row in rows:
        for column in columns:
            values[column].append(row.get(column))
    key = next((column for column in columns[:1] if _is_key(values[column])), None)
    draft = DraftTable(name, () if key is None else (key,))
    draft.remarks.append(
        "No column tells the rows apart: name the key."
        if key is None
        else f"The key {key} is guessed: it is unique in the sample."
    )
    draft.fields = [_line_field(column, values[column]) for column in columns]
    return draft


def _is_key(values: Sequence[Any]) -> bool:
    return (
        bool(values) and len(set(values)) == len(values) and all(value not in {None, ""} for value in values)
    )


def _line_field(column: str, values: Sequence[Any]) -> DraftField:
    if values and all(isinstance(value, str) and _CANONICAL.fullmatch(value) for value in values):
        return DraftField(column, "BigInteger()", "guessed: whole numbers in all of the sample")
    return DraftField(column, "Text()")


def _kind(value: object) -> str:
    if isinstance(value, Binary):
        return "uuid" if value.subtype in _UUIDS else "bytes"
    if isinstance(value, datetime):
        return "datetime"
    return _NAMES.get(type(value), type(value).__name__)


def _field(name: str, kinds: Mapping[str, Any], known: Sequence[str], schema: str) -> DraftField:
    shown = ", ".join(sorted(kinds)) or "null alone"
    if "reference" in kinds:
        return _reference(name, kinds, known, schema)
    if len(kinds) == 1:
        (kind,) = kinds
        guess = "a reference? ReferenceTo(entity, table) leads to its row" if kind == "ObjectId" else ""
        if kind in _SIMPLE:
            return DraftField(name, _SIMPLE[kind], guess)
    if kinds and _NUMBERS.issuperset(kinds):
        finite = all(Decimal(str(value)).is_finite() for value in kinds.values())
        return DraftField(
            name, "Exact()" if finite else "Json()", f"seen as {shown}; Money() if it is an amount"
        )
    if kinds.keys() == {"bool", "int"}:
        return DraftField(name, "Integer()", f"seen as {shown}; Flag() if it is 0 and 1 alone")
    return DraftField(name, "Json()", f"seen as {shown}")


def _reference(name: str, kinds: Mapping[str, Any], known: Sequence[str], schema: str) -> DraftField:
    target = kinds["reference"].collection
    if target not in known or kinds.keys() - {"reference", "ObjectId", "str"}:
        return DraftField(name, "Json()", f"refers to {target}")
    codec = f'ReferenceTo("{entity_name(target)}", "{table_name(schema, target)}", dbref="{target}")'
    return DraftField(name, codec)
