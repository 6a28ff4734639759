"""Reads a migration file; whatever is wrong is named at once, each with line and column, what it is, and what to do."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from caravan.core.errors import CaravanError
from caravan.migration.config.agreements import disagreements
from caravan.migration.config.keys import known_keys, near
from caravan.migration.config.model import MigrationConfig
from caravan.migration.config.positions import Place, Position, nearest_position, positions

__all__ = ["ConfigError", "named", "read_config", "read_config_text"]

_PLACE_IN_TOML: Final = re.compile(r" ?\(at (?:line (\d+), column (\d+)|end of document)\)")


class ConfigError(CaravanError):
    """The message has one line per problem: FILE:LINE:COLUMN: table and key: what is wrong; what to do."""

    code = "migration_file_invalid"
    status = 422
    title = "The migration file is wrong"
    exit_code = 2
    fix = "Correct the table and key named in the message; the guide of the migration file lists what may stand there."


def read_config(file: Path) -> MigrationConfig:
    """Return the migration that ``file`` describes.

    Raises:
        ConfigError: naming the file and everything that is wrong in it, with line and column where they can be found.
    """
    return read_config_text(file, _text(file))


def read_config_text(file: Path, text: str) -> MigrationConfig:
    """Return the migration that ``text`` describes, as if it stood in ``file``; raises ``ConfigError``."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_not_toml(file, text, str(error))) from None
    found = positions(text)
    problems: list[tuple[Place, str]] = []
    if "file" in data:
        problems.append((("file",), "there is no such table or key; remove it"))
        data = {key: value for key, value in data.items() if key != "file"}
    config, wrong = _validated(file, data)
    problems += wrong
    problems += [(item.place, item.said) for item in disagreements(data)]
    if config is None or problems:
        lines = sorted({_Line(found, data, place, said) for place, said in problems})
        raise ConfigError("\n".join(line.told(file) for line in lines))
    return config


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}; give the path of a migration.toml") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: the file is not UTF-8 text; save it as UTF-8") from None


def _not_toml(file: Path, text: str, said: str) -> str:
    found = _PLACE_IN_TOML.search(said)
    if found is not None and found[1]:
        line, column = int(found[1]), int(found[2])
    else:
        line, column = text.count("\n") + 1, len(text.rpartition("\n")[2]) + 1
    return (
        f"{file}:{line}:{column}: this is not TOML: {_PLACE_IN_TOML.sub('', said)}; correct this place first"
    )


def _validated(file: Path, data: Mapping[str, Any]) -> tuple[MigrationConfig | None, list[tuple[Place, str]]]:
    try:
        return MigrationConfig.model_validate({**data, "file": file.resolve()}), []
    except ValidationError as error:
        return None, [
            (item["loc"], _said(item["loc"], item["msg"], item["type"]))
            for item in error.errors()
            if not _echo(item)
        ]


def _echo(item: ErrorDetails) -> bool:
    """Tell whether a list is only called too short because its elements were wrong, which is told of each."""
    return item["type"] == "too_short" and bool(item["input"])


def _said(place: Sequence[str | int], message: str, kind: str) -> str:
    if kind == "extra_forbidden":
        return _no_such_key(place)
    if kind == "missing":
        return "is missing; add it"
    told = message.removeprefix("Value error, ")
    return told if kind == "value_error" else f"{told[:1].lower()}{told[1:]}; correct the value"


def _no_such_key(place: Sequence[str | int]) -> str:
    known = known_keys(MigrationConfig, place[:-1])
    like = near(str(place[-1]), known)
    if like is not None:
        return f"there is no such key; did you mean {like}?"
    takes = f"; the table takes {', '.join(known)}" if known else ""
    return f"there is no such key; correct its spelling or remove it{takes}"


class _Line:
    """One problem, sorted by where it stands."""

    def __init__(
        self, found: Mapping[Place, Position], data: Mapping[str, Any], place: Place, said: str
    ) -> None:
        self._position = nearest_position(found, place)
        self._name = ".".join(named(place, data))
        self._said = said

    def told(self, file: Path) -> str:
        where = f":{self._position[0]}:{self._position[1]}" if self._position else ""
        return f"{file}{where}: {f'{self._name}: ' if self._name else ''}{self._said}"

    def _key(self) -> tuple[Position, str, str]:
        return self._position or (0, 0), self._name, self._said

    def __lt__(self, other: "_Line") -> bool:
        return self._key() < other._key()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Line) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


def named(place: Sequence[str | int], data: object) -> Iterator[str]:
    """Yield the steps of a place, an element of a list by its own name where it has one."""
    for step in place:
        data = data[step] if _has(data, step) else None  # type: ignore[index]  # it was asked
        own = None
        if isinstance(data, dict) and isinstance(step, int):
            own = next((data[key] for key in ("name", "class", "template", "path") if key in data), None)
        yield str(step if own is None else own)


def _has(data: object, step: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(step, int) and step < len(data)
    return isinstance(data, dict) and step in data
