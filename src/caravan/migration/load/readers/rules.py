"""What is done with values that only the owner of a source can judge. Without a rule they are refused, never guessed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = ["REFUSE_ALL", "ColumnRule", "Rules"]

ColumnRule: TypeAlias = Literal[
    "boolean", "decimal", "integer", "float", "iso", "unix", "unix_ms", "julian", "json", "uuid"
]
"""How the values of one column of SQLite or of a CSV file are meant: ``iso`` is a date and time in ISO 8601, ``unix`` and
``unix_ms`` count from 1970 in UTC, ``julian`` is a Julian day number in UTC."""


@dataclass(frozen=True, slots=True)
class Rules:
    """``columns`` by ``table.column``. ``empty_is_null``: of a CSV field."""

    zero_dates: Literal["refuse", "null"] = "refuse"
    infinite_dates: Literal["refuse", "null"] = "refuse"
    invalid_text: Literal["refuse", "bytes"] = "refuse"
    empty_is_null: bool = False
    columns: Mapping[str, ColumnRule] = field(default_factory=dict)


REFUSE_ALL = Rules()
