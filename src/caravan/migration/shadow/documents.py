"""The values that answers are turned into before they are compared. A number keeps the text it was written with.

``1``, ``1.0`` and ``1.00`` are three values here, and so are ``9007199254740993`` and ``9007199254740992``.
"""

import json
from typing import Any, Final, TypeAlias

__all__ = ["Document", "is_leaf", "kind_name", "number", "read_json", "shown", "write_json"]

Number: TypeAlias = tuple[str]
"""The text of a number: a tuple, because JSON has none, so that it never equals the string of the same signs."""

Document: TypeAlias = dict[str, Any] | list[Any] | Number | str | bool | None

MOST_NESTED: Final = 150

_NAMES: Final = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False)


def number(text: str) -> Number:
    """A number as it was written."""
    return (text,)


def read_json(text: str) -> Document:
    """Read JSON; a member that occurs again keeps its value under ``name (2)``.

    Raises ``ValueError`` for what is no JSON or is nested deeper than anything that is walked through here.
    """
    try:
        document: Document = json.loads(
            text, parse_int=number, parse_float=number, parse_constant=number, object_pairs_hook=_members
        )
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if text.count("[") + text.count("{") > MOST_NESTED and _depth(document) > MOST_NESTED:
        raise ValueError(f"nested deeper than {MOST_NESTED}")
    return document


def _depth(document: Document) -> int:
    depth, level = 0, [document]
    while level:
        depth += 1
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return depth


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    members, seen = {}, dict[str, int]()
    for name, value in pairs:
        seen[name] = seen.get(name, 0) + 1
        members[name if seen[name] == 1 else f"{name} ({seen[name]})"] = value
    return members


def write_json(document: Document) -> str:
    """Write a document as JSON, numbers with their own text."""
    if isinstance(document, dict):
        inside = ", ".join(
            f"{_ENCODER.encode(name)}: {write_json(value)}" for name, value in document.items()
        )
        return f"{{{inside}}}"
    if isinstance(document, list):
        return f"[{', '.join(map(write_json, document))}]"
    return document[0] if isinstance(document, tuple) else _ENCODER.encode(document)


def is_leaf(document: Document) -> bool:
    """Tell whether there is nothing below; an empty object or array is a leaf too."""
    return not (isinstance(document, dict | list) and document)


def kind_name(document: Document) -> str:
    """The name of the JSON type; whole numbers and numbers with a fraction or an exponent are two types."""
    if isinstance(document, tuple):
        return "integer" if document[0].lstrip("-").isdigit() else "decimal"
    return _NAMES[type(document)]


def shown(document: Document) -> str:
    """Write a document for a reader."""
    return write_json(document)
