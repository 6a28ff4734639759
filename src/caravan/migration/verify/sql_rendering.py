"""The encoding of ``encoding`` as SQL, so that PostgreSQL hashes its own rows."""

from collections.abc import Iterable, Mapping
from typing import Final

from psycopg import sql

from caravan.migration.mapping.contract import Column

__all__ = ["cell", "lane", "qualified", "row_hash"]

_TEXT: Final[Mapping[str, str]] = {
    "text": "{c}",
    "integer": "{c}::text",
    "bigint": "{c}::text",
    "double precision": "encode(float8send({c}), 'hex')",
    "timestamptz": "(extract(epoch FROM {c}) * 1000000)::bigint::text",
    "date": "({c} - DATE '1970-01-01')::text",
    "jsonb": "{c}::text",
    "bytea": "encode({c}, 'hex')",
}
_TAG: Final[Mapping[str, str]] = {
    "text": "t",
    "integer": "i",
    "bigint": "i",
    "double precision": "f",
    "timestamptz": "z",
    "date": "y",
    "jsonb": "j",
    "bytea": "x",
    "numeric": "d",
}


def qualified(table: str) -> sql.Identifier:
    """Return ``schema.table`` or ``table``, quoted."""
    return sql.Identifier(*table.split("."))


def cell(column: Column, value: sql.Composable) -> sql.Composed:
    """Return the expression that encodes ``value`` as a value of ``column``."""
    if column.type == "uuid":
        return sql.SQL("coalesce('u:32:' || encode(uuid_send({c}), 'hex'), 'n:0:')").format(c=value)
    if column.type == "boolean":
        return sql.SQL("coalesce(CASE WHEN {c} THEN 'b:1:t' WHEN NOT {c} THEN 'b:1:f' END, 'n:0:')").format(
            c=value
        )
    text = _text(column, value)
    return sql.SQL("coalesce({tag} || octet_length({text}) || ':' || {text}, 'n:0:')").format(
        tag=sql.Literal(_TAG[column.type] + ":"), text=text
    )


def _text(column: Column, value: sql.Composable) -> sql.Composed:
    if column.type == "numeric":
        if column.scale is None:
            return sql.SQL("trim_scale({c})::text").format(c=value)
        return sql.SQL("round({c}, {scale})::text").format(c=value, scale=sql.Literal(column.scale))
    return sql.SQL(_TEXT[column.type]).format(c=value)


def row_hash(cells: Iterable[sql.Composable]) -> sql.Composed:
    """Return the expression of a row's SHA-256 in hexadecimal digits."""
    return sql.SQL("encode(sha256(convert_to({row}, 'UTF8')), 'hex')").format(row=sql.SQL(" || ").join(cells))


def lane(hash_: sql.Composable, *, first: bool) -> sql.Composed:
    """Return the expression of one lane, as signed bigint: the same number modulo 2**64."""
    return sql.SQL("('x' || substr({h}, {start}, 16))::bit(64)::bigint").format(
        h=hash_, start=sql.Literal(1 if first else 17)
    )
