"""Values of a record as the drivers of stores take them."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from caravan.migration.load.readers.row_text import JsonText, OddValue

__all__ = ["for_mariadb", "for_sqlite", "json_text"]

_MARK: Final = "\ue0ca"
"""A character for private use: it stands in no text that is written back beside a decimal."""


def json_text(value: Any) -> str:  # noqa: ANN401 - any tree
    """Return a JSON value as text; numbers stay exact."""
    if isinstance(value, JsonText):
        return value.text
    numbers: list[Decimal] = []
    text = json.dumps(_marked(value, numbers), ensure_ascii=False, default=str)
    for place, number in enumerate(numbers):
        text = text.replace(f'"{_MARK}{place}{_MARK}"', format(number, "f"), 1)
    return text


def for_mariadb(declared: str, value: Any) -> Any:  # noqa: ANN401 - any value of a record
    """Return what PyMySQL takes; moments are UTC, as the session's time zone is."""
    if declared.startswith("json") or isinstance(value, dict | list | JsonText):
        return None if value is None else json_text(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, bool):
        return int(value)
    return _plain(value)


def for_sqlite(rule: str | None, value: Any) -> Any:  # noqa: ANN401, PLR0911 - any value of a record; one line per rule
    """Return what sqlite3 takes; ``rule`` is what the migration file says of the column."""
    if value is None:
        return None
    if rule == "json" or isinstance(value, dict | list | JsonText):
        return json_text(value)
    if isinstance(value, datetime) and rule in {"unix", "unix_ms"}:
        seconds = value.timestamp()
        return (
            round(seconds * 1000) if rule == "unix_ms" else int(seconds) if seconds.is_integer() else seconds
        )
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime):
        return value.isoformat(" ", "auto")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    return _plain(value)


def _plain(value: Any) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, UUID):
        return str(value)
    return value.raw if isinstance(value, OddValue) else value


def _marked(value: Any, numbers: list[Decimal]) -> Any:  # noqa: ANN401 - any tree
    """Return the tree with a mark in place of each decimal, which no float of Python would keep."""
    if isinstance(value, dict):
        return {name: _marked(each, numbers) for name, each in value.items()}
    if isinstance(value, list):
        return [_marked(each, numbers) for each in value]
    if isinstance(value, Decimal):
        numbers.append(value)
        return f"{_MARK}{len(numbers) - 1}{_MARK}"
    return value
