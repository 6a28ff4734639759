"""A schema as lines a human reviews: a path, and what stands there.

    "$" = "object"
    "jobs" = "array"
    "jobs[]" = "object"
    "jobs[].jobId" = "integer"
    "jobs[].status" = '"pending" | "running"'
    "jobs[].reportId" = "integer | null, optional"
    "prices" = "map of uuid"
    "prices{}" = "decimal"
    "point" = "array of 2"
    "point[0]" = "number"

A name with other characters than letters, digits, ``_``, ``-``, ``$`` and ``@`` is written as a JSON string.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from caravan.migration.contract.formats import BY_NAME
from caravan.migration.contract.schemas.schema import ANY, NOTHING, Array, Field, Object, Schema, String

__all__ = ["ROOT", "NotationError", "lines_of", "schema_of_lines", "schema_of_text", "text_of"]

ROOT: Final = "$"
_OPTIONAL: Final = ", optional"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_@-][A-Za-z0-9_$@-]*")
_STEP: Final = re.compile(
    r'\.?(?P<name>[A-Za-z0-9_@-][A-Za-z0-9_$@-]*|"(?:[^"\\]|\\.)*")|\[(?P<index>\d*)\]|(?P<map>\{\})'
)
_TERM: Final = re.compile(
    r'\s*(?:(?P<value>"(?:[^"\\]|\\.)*")|(?P<word>[a-z][a-z-]*)(?: of (?P<of>[a-z0-9-]+))?)\s*(?P<more>\||$)'
)
_SIMPLE: Final = ("null", "boolean", "integer", "number")


class NotationError(ValueError):
    """A line that says nothing; the message names its path."""


def lines_of(schema: Schema) -> dict[str, str]:
    """Return the lines, parents before their children, fields by name."""
    return dict(_lines(schema, "", optional=False))


def schema_of_lines(lines: Mapping[str, str]) -> Schema:
    """Return the schema that the lines say.

    Raises:
        NotationError: a line cannot be read, or has no parent.
    """
    tree = _Tree(lines)
    return tree.schema("") if ROOT in lines else NOTHING


def text_of(schema: Schema) -> str:
    """Return the types alone, without what is below."""
    if schema.anything:
        return "any"
    terms = [
        json.dumps(value, ensure_ascii=False)
        for value in sorted((schema.string and schema.string.values) or ())
    ]
    if schema.string is not None and schema.string.values is None:
        terms.append(schema.string.format or "string")
    if schema.object is not None:
        keys = f" of {schema.object.keys}" if schema.object.keys else ""
        terms.append("object" if schema.object.values is None else f"map{keys}")
    if schema.array is not None:
        terms.append("array" if schema.array.positions is None else f"array of {len(schema.array.positions)}")
    terms += [kind for kind in reversed(_SIMPLE) if kind in schema.simple]
    return " | ".join(terms) or "nothing"


def schema_of_text(text: str, path: str = "") -> Schema:
    """Return the schema of one line, with nothing below it.

    Raises:
        NotationError: naming what is not understood.
    """
    schema, place = NOTHING, 0
    while True:
        term = _TERM.match(text, place)
        if term is None or (term["more"] == "" and term.end() != len(text)):
            raise NotationError(f"{path or ROOT}: {text!r} says no type; write types with | between them")
        schema = schema.join(_term(term, path))
        place = term.end()
        if not term["more"]:
            return schema


def _term(term: "re.Match[str]", path: str) -> Schema:
    word, of = term["word"], term["of"]
    if term["value"] is not None:
        return Schema(string=String(values=frozenset({json.loads(term["value"])})))
    if of is not None:
        if word == "array" and of.isdigit():
            return Schema(array=Array.of_positions((NOTHING,) * int(of)))
        if word == "map" and of in BY_NAME:
            return Schema(object=Object(values=NOTHING, keys=of))
        raise NotationError(f"{path or ROOT}: there is no type {word} of {of}")
    if word in _SIMPLE:
        return Schema(simple=frozenset({word}))
    known = {
        "any": ANY,
        "nothing": NOTHING,
        "string": Schema(string=String()),
        "object": Schema(object=Object()),
        "map": Schema(object=Object(values=NOTHING)),
        "array": Schema(array=Array(NOTHING)),
        **{name: Schema(string=String(format=name)) for name in BY_NAME},
    }.get(word)
    if known is None:
        raise NotationError(f"{path or ROOT}: there is no type {word}")
    return known


def _lines(schema: Schema, path: str, *, optional: bool) -> Iterator[tuple[str, str]]:
    yield path or ROOT, text_of(schema) + (_OPTIONAL if optional else "")
    if schema.object is not None and schema.object.values is not None:
        yield from _below(schema.object.values, path + "{}")
    elif schema.object is not None:
        for name, known in sorted(schema.object.fields.items()):
            step = name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)
            yield from _lines(known.schema, f"{path}.{step}" if path else step, optional=not known.required)
    if schema.array is not None and schema.array.positions is not None:
        for number, position in enumerate(schema.array.positions):
            yield from _below(position, f"{path}[{number}]")
    elif schema.array is not None:
        yield from _below(schema.array.items, f"{path}[]")


def _below(schema: Schema, path: str) -> Iterator[tuple[str, str]]:
    """Items and values that were never seen have no line."""
    if schema != NOTHING:
        yield from _lines(schema, path, optional=False)


class _Tree:
    """Lines by the path above them."""

    def __init__(self, lines: Mapping[str, str]) -> None:
        self._lines = {"" if path == ROOT else path: text for path, text in lines.items()}
        self._below: dict[str, dict[str, str]] = {}
        for path in self._lines:
            if path:
                above, step = _split(path)
                if above not in self._lines:
                    raise NotationError(f"{path}: the line above it, {above or ROOT}, is missing")
                self._below.setdefault(above, {})[step] = path

    def schema(self, path: str) -> Schema:
        text = self._lines[path].removesuffix(_OPTIONAL)
        schema, below = schema_of_text(text, path), self._below.get(path, {})
        return Schema(
            schema.simple,
            schema.string,
            self._array(schema.array, below),
            self._object(schema.object, below),
            schema.anything,
        )

    def _array(self, array: Array | None, below: Mapping[str, str]) -> Array | None:
        if array is None:
            return None
        if array.positions is None:
            return Array(self.schema(below["[]"]) if "[]" in below else NOTHING)
        steps = (below.get(f"[{number}]") for number in range(len(array.positions)))
        return Array.of_positions(tuple(NOTHING if step is None else self.schema(step) for step in steps))

    def _object(self, table: Object | None, below: Mapping[str, str]) -> Object | None:
        if table is None:
            return None
        if table.values is not None:
            return Object(values=self.schema(below["{}"]) if "{}" in below else NOTHING, keys=table.keys)
        fields = {
            json.loads(step) if step.startswith('"') else step: path
            for step, path in below.items()
            if step[0] not in "[{"
        }
        return Object(
            {
                name: Field(self.schema(path), required=not self._lines[path].endswith(_OPTIONAL))
                for name, path in sorted(fields.items())
            }
        )


def _split(path: str) -> tuple[str, str]:
    """Return the path above and the last step."""
    place, last = 0, None
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None:
            raise NotationError(
                f"{path}: this is no path; write names with dots, [] for items, {{}} for the values of a map"
            )
        last, place = step, step.end()
    if last is None:
        raise NotationError("an empty path; $ is the root")
    return path[: last.start()], last["name"] or last[0]
