"""Validates answers against schemas, by a compiled validator; problems name place, expectation and what was seen."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import jsonschema_rs

from caravan.migration.contract.schemas import Schema, json_schema
from caravan.migration.contract.schemas.json_schema import STRICT_INTEGER

__all__ = ["Problem", "Validator", "json_path", "validator_of"]

_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """``path`` is a JSON path such as ``$.jobs[3].status``, or names a header; values are shortened."""

    path: str
    expected: str
    seen: str

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, seen {self.seen}"


Validator: TypeAlias = Callable[[Any], Iterator[Problem]]


class _WrittenAsInteger:
    """The keyword of ours: 1 is an integer, 1.0 is not."""

    def __init__(self, parent_schema: dict[str, Any], value: Any, schema_path: list[str | int]) -> None:  # noqa: ANN401, ARG002 - the library's protocol
        self._types = parent_schema.get("type")

    def validate(self, instance: Any) -> None:  # noqa: ANN401 - any JSON value
        if isinstance(instance, float) and instance.is_integer():
            raise ValueError("an integer, written without a point")


def validator_of(schema: Schema, *, closed: bool = False) -> Validator:
    """Return what yields the problems of a value; ``closed`` reports keys that were never seen before."""
    compiled = jsonschema_rs.Draft202012Validator(
        json_schema(schema, closed=closed, strict=True),
        validate_formats=False,  # every format comes with the pattern that detected it
        keywords={STRICT_INTEGER: _WrittenAsInteger},
    )

    def problems(value: Any) -> Iterator[Problem]:  # noqa: ANN401 - any JSON value
        for error in compiled.iter_errors(value):
            yield _problem(error)

    return problems


def _problem(error: jsonschema_rs.ValidationError) -> Problem:
    path, kind, seen = json_path(error.instance_path), error.kind.name, error.instance
    told = error.kind.as_dict()
    if kind == "required":
        return Problem(f"{path}.{told['property']}", "to be there", "nothing")
    if kind == "additionalProperties":
        names = ", ".join(map(str, told["unexpected"]))
        return Problem(path, "no keys but the known", f"also {names}")
    if kind == STRICT_INTEGER:
        return Problem(path, "an integer, written without a point", _short(seen))
    return Problem(path, _EXPECTED.get(kind, _plain)(told, error.message), _short(seen))


def _plain(_told: dict[str, Any], message: str) -> str:
    return message


def _type(told: dict[str, Any], _message: str) -> str:
    types = told.get("types", told.get("type", []))
    return " or ".join([types] if isinstance(types, str) else map(str, types))


def _values(told: dict[str, Any], _message: str) -> str:
    return "one of " + ", ".join(json.dumps(value, ensure_ascii=False) for value in told.get("options", []))


def _pattern(told: dict[str, Any], _message: str) -> str:
    return f"text like {told.get('pattern')}"


_EXPECTED: Final[dict[str, Callable[[dict[str, Any], str], str]]] = {
    "type": _type,
    "enum": _values,
    "pattern": _pattern,
}


def json_path(steps: Sequence[str | int]) -> str:
    """Return the steps as a JSON path."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _short(value: Any) -> str:  # noqa: ANN401 - any JSON value
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
