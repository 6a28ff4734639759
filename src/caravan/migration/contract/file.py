"""The contract file: TOML, one line per field, in a steady order, so that a change is a small difference to review."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Key

from caravan.migration.contract.comments import Comments, comments_of
from caravan.migration.contract.errors import ContractInvalid, ContractMissing
from caravan.migration.contract.model import AnswerShape, Contract, Effect, Route
from caravan.migration.contract.observations import parameter_names
from caravan.migration.contract.schemas import (
    Field,
    NotationError,
    Schema,
    lines_of,
    schema_of_lines,
    schema_of_text,
    text_of,
)

__all__ = ["contract_text", "read_contract", "write_contract"]

VERSION: Final = 1
_OPTIONAL: Final = ", optional"
_VARIES: Final = "*"
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_HEAD: Final = """\
# What each route takes and answers, learnt from recorded traffic. Lines are yours to correct and to comment.
# effect: a read may be asked again and probed, a write never. reviewed = true keeps a route as it is written here.
"""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Head(_Table):
    version: Literal[1]
    name: str
    frozen: str | None = None


class _Request(_Table):
    types: list[str] = Key(default_factory=list)
    body: dict[str, str] | None = None


class _Answer(_Table):
    types: list[str] = Key(default_factory=list)
    headers: dict[str, str] = Key(default_factory=dict)
    cookies: list[str] = Key(default_factory=list)
    body: dict[str, str] | None = None


class _Route(_Table):
    effect: Effect
    reviewed: bool = False
    note: str = ""
    path: dict[str, str] = Key(default_factory=dict)
    query: dict[str, str] = Key(default_factory=dict)
    request: _Request | None = None
    answers: dict[str, _Answer] = Key(default_factory=dict)


class _File(_Table):
    contract: _Head
    routes: dict[str, _Route] = Key(default_factory=dict)


def read_contract(file: Path) -> Contract:
    """Return the contract of a file.

    Raises:
        ContractMissing: there is no such file.
        ContractInvalid: naming the table and key that are wrong.
    """
    try:
        told = _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ContractMissing(f"{file}: there is no such file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ContractInvalid(f"{file}: {error}") from None
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ContractInvalid("\n".join(f"{file}: {problem}" for problem in problems)) from None
    routes = {}
    for key, route in told.routes.items():
        try:
            routes[key] = _route(key, route)
        except (NotationError, ValueError) as error:
            raise ContractInvalid(f"{file}: routes.{key}: {error}") from None
    return Contract(told.contract.name, frozen=told.contract.frozen).with_routes(routes)


def write_contract(file: Path, contract: Contract) -> None:
    """Write the contract; comments that stand in the file already stay with their keys."""
    comments = comments_of(file.read_text(encoding="utf-8")) if file.exists() else Comments()
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.new")
    draft.write_text(contract_text(contract, comments), encoding="utf-8")
    draft.replace(file)


def contract_text(contract: Contract, comments: Comments | None = None) -> str:
    """Return the file's text."""
    kept = comments or Comments()
    head = {
        "version": VERSION,
        "name": contract.name,
        **({"frozen": contract.frozen} if contract.frozen else {}),
    }
    lines = [] if ("[contract]", "") in kept.above else _HEAD.splitlines()
    for table, entries in [("[contract]", head), *_tables(contract)]:
        lines += (
            ["", *kept.around(table, "", table)]
            if lines and not lines[-1].startswith("#")
            else [*kept.around(table, "", table)]
        )
        for name, value in entries.items():
            lines += kept.around(table, _key(name), f"{_key(name)} = {_value(value)}")
    return "\n".join([*lines, *kept.end, ""])


def _tables(contract: Contract) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for route in contract.routes.values():
        head = f"routes.{_quoted(route.key)}"
        note = {"note": route.note} if route.note else {}
        yield f"[{head}]", {"effect": route.effect, "reviewed": route.reviewed, **note}
        if route.path:
            yield f"[{head}.path]", {name: text_of(schema) for name, schema in route.path.items()}
        if route.query:
            yield f"[{head}.query]", {name: _parameter(known) for name, known in sorted(route.query.items())}
        if route.request_types or route.request is not None:
            yield f"[{head}.request]", {"types": sorted(route.request_types)}
        if route.request is not None:
            yield f"[{head}.request.body]", lines_of(route.request)
        for status, answer in sorted(route.answers.items()):
            yield f"[{head}.answers.{status}]", _answer_entries(answer)
            if answer.headers:
                headers = {
                    name: value if value is not None else _VARIES
                    for name, value in sorted(answer.headers.items())
                }
                yield f"[{head}.answers.{status}.headers]", headers
            if answer.body is not None:
                yield f"[{head}.answers.{status}.body]", lines_of(answer.body)


def _answer_entries(answer: AnswerShape) -> Mapping[str, Any]:
    return {"types": sorted(answer.types), **({"cookies": sorted(answer.cookies)} if answer.cookies else {})}


def _parameter(known: Field) -> str:
    return text_of(known.schema) + ("" if known.required else _OPTIONAL)


def _route(key: str, told: _Route) -> Route:
    method, _, template = key.partition(" ")
    if not method.isalpha() or not template.startswith("/"):
        raise NotationError("a route is named by method and template, such as GET /orders/{id}")
    if set(told.path) != set(parameter_names(template)):
        raise NotationError("path: names must be those of the template's parameters")
    return Route(
        method=method.upper(),
        template=template,
        effect=told.effect,
        reviewed=told.reviewed,
        note=told.note,
        path={name: schema_of_text(told.path[name], f"path.{name}") for name in parameter_names(template)},
        query={name: _field(text, f"query.{name}") for name, text in sorted(told.query.items())},
        request_types=frozenset(told.request.types if told.request else ()),
        request=None
        if told.request is None or told.request.body is None
        else schema_of_lines(told.request.body),
        answers={int(status): _answer(answer) for status, answer in sorted(told.answers.items())},
    )


def _answer(told: _Answer) -> AnswerShape:
    return AnswerShape(
        types=frozenset(told.types),
        body=None if told.body is None else schema_of_lines(told.body),
        headers={
            name.lower(): None if value == _VARIES else value for name, value in sorted(told.headers.items())
        },
        cookies=frozenset(told.cookies),
    )


def _field(text: str, path: str) -> Field:
    return Field(_schema(text.removesuffix(_OPTIONAL), path), required=not text.endswith(_OPTIONAL))


def _schema(text: str, path: str) -> Schema:
    return schema_of_text(text, path)


def _key(name: str) -> str:
    return name if name and set(name) <= _PLAIN else _quoted(name)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: object) -> str:
    """Text that holds quotes and no apostrophe is written as a literal: an enum stays readable."""
    if isinstance(value, str):
        literal = '"' in value and "'" not in value and value.isprintable()
        return f"'{value}'" if literal else _quoted(value)
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
