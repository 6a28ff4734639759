"""One table or view of MariaDB or MySQL, as the comparison sees it."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from caravan.migration.load.readers.mariadb_values import base_type
from caravan.migration.verify.errors import NotComparableError
from caravan.migration.verify.pairs.agreement import Described
from caravan.migration.verify.pairs.kinds import Kind, StoredColumn

__all__ = ["described"]

_COLUMNS: Final = (
    "SELECT column_name, column_type, is_nullable, character_set_name, collation_name, datetime_precision, numeric_scale"
    " FROM information_schema.columns WHERE table_schema = {schema} AND table_name = {table} ORDER BY ordinal_position"
)
_KEYS: Final = (
    "SELECT index_name, column_name, nullable, sub_part FROM information_schema.statistics"
    " WHERE table_schema = {schema} AND table_name = {table} AND non_unique = 0"
    " ORDER BY index_name <> 'PRIMARY', index_name, seq_in_index"
)
_UNICODE: Final = frozenset({"utf8mb4", "utf8mb3", "utf8", "ascii"})
_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(
        ("tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year", "bit"), "integer"
    ),
    **dict.fromkeys(("decimal", "numeric"), "decimal"),
    **dict.fromkeys(("float", "double", "real"), "float"),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"), "text"),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "bytes"),
    "uuid": "uuid",
    "timestamp": "instant",
    "datetime": "moment",
    "date": "date",
    "time": "time",
    "json": "json",
}


def described(rows: Callable[[str], Sequence[Sequence[Any]]], table: str) -> Described:
    """Return columns and key of ``table`` (or ``database.table``); the key is the primary one, else the first unique without NULL.

    Raises:
        NotComparableError: there is no such table.
    """
    database, _, name = table.rpartition(".")
    place = {"schema": _literal(database) if database else "database()", "table": _literal(name)}
    columns = [_column(*map(_said, row)) for row in rows(_COLUMNS.format(**place))]
    if not columns:
        raise NotComparableError(f"MariaDB has no table {table} that this user may see")
    return Described(table, tuple(columns), _key(rows(_KEYS.format(**place))))


def _literal(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _column(
    name: str, declared: str, nullable: str, charset: str, collation: str, digits: str, scale: str
) -> StoredColumn:
    base = base_type(declared)
    kind: Kind | Literal["unknown"] = _KINDS.get(base, "unknown")
    if kind == "text" and charset == "binary":
        kind = "bytes"
    return StoredColumn(
        name,
        base,
        kind,
        nullable == "YES",
        scale=int(scale or 0) if kind == "decimal" else None,
        digits=int(digits or 0),
        ordered=_ordered(kind, base, collation),
        recoded=bool(charset) and charset not in _UNICODE,
    )


def _ordered(kind: str, base: str, collation: str) -> bool:
    """Text that is padded before it is compared is not sorted by its bytes; the type UUID sorts its parts in another order."""
    if kind == "text":
        return (
            base not in ("enum", "set", "char")
            and re.fullmatch(r"utf8mb4_(nopad_bin|0900_bin)", collation) is not None
        )
    return base not in ("uuid", "bit", "binary")


def _key(found: Sequence[Sequence[Any]]) -> tuple[str, ...]:
    indexes: dict[str, list[str]] = {}
    unfit: set[str] = set()
    for row in found:
        index, column, nullable, prefix = map(_said, row)
        indexes.setdefault(index, []).append(column)
        if nullable == "YES" or prefix:
            unfit.add(index)
    return next((tuple(names) for index, names in indexes.items() if index not in unfit), ())


def _said(value: object) -> str:
    if value is None:
        return ""
    return value.decode() if isinstance(value, bytes) else str(value)
