"""What kind of value a column of a source gives, as far as the source or the migration file declares it."""

import re
from collections.abc import Mapping
from typing import Final, Literal, Protocol, TypeAlias, runtime_checkable

from caravan.migration.load.readers.mariadb_values import base_type
from caravan.migration.load.readers.rules import ColumnRule, Rules
from caravan.migration.load.readers.tables import SourceColumn, SourceTable

__all__ = ["Described", "Dialect", "ValueKind", "kind_of_column"]

Dialect: TypeAlias = Literal["postgresql", "mariadb", "sqlite", "csv"]
ValueKind: TypeAlias = Literal[
    "text", "integer", "decimal", "float", "boolean", "bytes", "uuid", "day", "local", "instant", "time", "json", "list", "any"
]  # fmt: skip
"""``local`` is a date and time without a zone, ``any`` what only the values themselves say."""


@runtime_checkable
class Described(Protocol):
    """A reader whose source declares its tables."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def rules(self) -> Rules: ...

    def tables(self) -> Mapping[str, SourceTable]: ...


def kind_of_column(dialect: Dialect, table: str, column: SourceColumn, rules: Rules) -> ValueKind:
    """Return the kind of the values of a column."""
    rule = rules.columns.get(f"{table}.{column.name}")
    if dialect in {"sqlite", "csv"}:
        if rule is not None:
            return _DECLARED[rule]
        return "text" if dialect == "csv" else "any"
    declared = re.sub(r"\([^)]*\)", "", column.type).strip().lower()
    if dialect == "postgresql":
        return "list" if declared.endswith("[]") else _POSTGRES.get(declared, "text")
    if column.charset == "binary" and base_type(declared) not in _MARIADB:
        return "bytes"
    return _MARIADB.get(base_type(declared), "text")


_DECLARED: Final[dict[ColumnRule, ValueKind]] = {
    "boolean": "boolean",
    "decimal": "decimal",
    "integer": "integer",
    "float": "float",
    "iso": "local",
    "unix": "instant",
    "unix_ms": "instant",
    "julian": "instant",
    "json": "json",
    "uuid": "uuid",
}
_POSTGRES: Final[dict[str, ValueKind]] = {
    "boolean": "boolean",
    "smallint": "integer",
    "integer": "integer",
    "bigint": "integer",
    "oid": "integer",
    "numeric": "decimal",
    "decimal": "decimal",
    "real": "float",
    "double precision": "float",
    "bytea": "bytes",
    "uuid": "uuid",
    "json": "json",
    "jsonb": "json",
    "date": "day",
    "timestamp": "local",
    "timestamp without time zone": "local",
    "timestamptz": "instant",
    "timestamp with time zone": "instant",
    "time": "time",
    "time without time zone": "time",
    "time with time zone": "time",
}
_MARIADB: Final[dict[str, ValueKind]] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year", "bit"), "integer"),
    **dict.fromkeys(("decimal", "numeric"), "decimal"),
    **dict.fromkeys(("double", "float", "real"), "float"),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "bytes"),
    "date": "day",
    "datetime": "local",
    "timestamp": "instant",
    "time": "time",
    "json": "json",
    "uuid": "uuid",
    "set": "list",
}  # fmt: skip
