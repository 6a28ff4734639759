"""Codecs as SQL of the source's own store: an expression over a column that yields the text which verification hashes.

The text is that of ``verify.encoding`` for the normal value, tag and length included, so that a source can hash its rows where they lie.
Where a store cannot say it exactly there is none, and rows are hashed in Python: doubles in MariaDB, JSON, times of a zone, references.
A value that the codec refuses or replaces has no place in the target as it is; its expression gives a text that equals no other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from caravan.migration.mapping.codecs import (
    BigInteger,
    Bytes,
    Codec,
    Date,
    Day,
    Enumeration,
    Exact,
    Flag,
    Float,
    Integer,
    KeyText,
    LocalDate,
    Money,
    Text,
    Uuid,
)

__all__ = ["SourceExpression", "Store", "rendering"]

Store: TypeAlias = Literal["postgresql", "mariadb", "sqlite"]
_MONEY_PLACES: Final = 4
_ABSENT: Final = "n:0:"


@dataclass(frozen=True, slots=True)
class SourceExpression:
    """A column of a source: its name as SQL, its kind as ``readers.value_kinds`` tells it, and what its declaration says.

    ``declared`` is the type as the source declares it, ``places`` its digits after the point (None: any number).
    In MariaDB the session's time zone must be ``+00:00``.
    """

    store: Store
    sql: str
    kind: str
    declared: str = ""
    places: int | None = None
    timezone: str = "UTC"


def rendering(codec: Codec, column: SourceExpression, *, absent: str = _ABSENT) -> str | None:
    """Return the expression of a codec's cell; None where the store has none. ``absent``: the cell of the field's default."""
    tag, text = _TAGS.get(codec.sql_type), _TEXTS.get(type(codec))
    if tag is None or text is None:
        return None
    rendered = text(codec, column)
    if rendered is None:
        return None
    wrong = f"CASE WHEN {column.sql} IS NULL THEN {_quoted(absent)} ELSE '?' END"
    return _cell(column.store, tag, rendered, wrong)


def _cell(store: Store, tag: str, text: str, otherwise: str) -> str:
    match store:
        case "postgresql":
            return f"coalesce('{tag}:' || octet_length({text}) || ':' || ({text}), {otherwise})"
        case "mariadb":
            return f"coalesce(concat('{tag}:', length({text}), ':', {text}), {otherwise})"
        case "sqlite":
            return f"coalesce('{tag}:' || length(CAST({text} AS BLOB)) || ':' || {text}, {otherwise})"


def _text(codec: Codec, column: SourceExpression) -> str | None:
    del codec
    if column.store == "sqlite":
        return f"CASE WHEN typeof({column.sql}) IN ('text', 'integer') THEN CAST({column.sql} AS TEXT) END"
    if column.kind == "integer":
        return _whole(column)
    if column.kind != "text" or column.declared.startswith(
        ("character(", "bpchar")
    ):  # a cast would drop spaces
        return None
    return f"{column.sql}::text" if column.store == "postgresql" else _utf8(column.sql)


def _integer(codec: Codec, column: SourceExpression) -> str | None:
    del codec
    if column.store == "sqlite":
        return f"CASE WHEN typeof({column.sql}) = 'integer' THEN CAST({column.sql} AS TEXT) END"
    return _whole(column) if column.kind == "integer" else None


def _whole(column: SourceExpression) -> str:
    if column.store == "postgresql":
        return f"{column.sql}::text"
    value = f"({column.sql} + 0)" if column.declared.startswith("bit") else column.sql
    return f"CAST({value} AS CHAR CHARACTER SET utf8mb4)"


def _flag(codec: Codec, column: SourceExpression) -> str | None:
    del codec
    if column.kind == "boolean" and column.store == "postgresql":
        return f"CASE WHEN {column.sql} THEN 't' ELSE CASE WHEN NOT {column.sql} THEN 'f' END END"
    if column.kind == "integer" or column.store == "sqlite":
        return f"CASE {column.sql} WHEN 0 THEN 'f' WHEN 1 THEN 't' END"
    return None


def _exact(codec: Codec, column: SourceExpression) -> str | None:
    places = _MONEY_PLACES if isinstance(codec, Money) else codec.scale
    if column.store == "sqlite" or column.kind not in {"decimal", "integer"}:
        return None
    has = 0 if column.kind == "integer" else column.places
    if places is not None and (has is None or has > places):
        return None  # it would be rounded here, and is refused there
    if column.store == "postgresql":
        value = f"{column.sql}::numeric"
        return f"trim_scale({value})::text" if places is None else f"round({value}, {places})::text"
    return _mariadb_exact(column.sql, places, has)


def _mariadb_exact(name: str, places: int | None, has: int | None) -> str:
    scale = has or 0 if places is None else places
    text = f"CAST(CAST({name} AS DECIMAL(65, {scale})) AS CHAR CHARACTER SET utf8mb4)"
    if places is None and scale:
        return f"trim(TRAILING '.' FROM trim(TRAILING '0' FROM {text}))"
    return text


def _instant(codec: Codec, column: SourceExpression) -> str | None:
    if column.store == "sqlite" or column.kind not in {"instant", "local"}:
        return None
    if column.kind == "local" and column.timezone != "UTC":
        return None
    del codec
    if column.store == "postgresql":
        finite = f"CASE WHEN isfinite({column.sql}) THEN {column.sql} END"
        return f"(extract(epoch FROM {finite}) * 1000000)::bigint::text"
    return f"CAST(timestampdiff(MICROSECOND, '1970-01-01', {column.sql}) AS CHAR CHARACTER SET utf8mb4)"


def _day(codec: Codec, column: SourceExpression) -> str | None:
    del codec
    if column.store == "sqlite" or column.kind != "day":
        return None
    if column.store == "postgresql":
        return f"(CASE WHEN isfinite({column.sql}) THEN {column.sql} END - DATE '1970-01-01')::text"
    return f"CAST(datediff({column.sql}, '1970-01-01') AS CHAR CHARACTER SET utf8mb4)"


def _uuid(codec: Codec, column: SourceExpression) -> str | None:
    del codec
    if column.kind == "uuid":
        if column.store == "postgresql":
            return f"encode(uuid_send({column.sql}), 'hex')"
        if column.store == "mariadb":
            return _utf8(f"lower(replace({column.sql}, '-', ''))")
    if column.kind == "bytes" and column.store == "mariadb":
        return _utf8(f"CASE length({column.sql}) WHEN 16 THEN lower(hex({column.sql})) END")
    return None


def _bytes(codec: Codec, column: SourceExpression) -> str | None:
    del codec
    match column.store:
        case "postgresql":
            return f"encode({column.sql}, 'hex')" if column.kind == "bytes" else None
        case "mariadb":
            return _utf8(f"lower(hex({column.sql}))") if column.kind == "bytes" else None
        case "sqlite":
            return f"CASE WHEN typeof({column.sql}) = 'blob' THEN lower(hex({column.sql})) END"


def _float(codec: Codec, column: SourceExpression) -> str | None:
    del codec
    if column.store != "postgresql" or column.kind != "float":
        return None  # MariaDB prints doubles with fewer digits than they have, SQLite with fifteen
    return f"encode(float8send({column.sql}::float8), 'hex')"


def _word(codec: Codec, column: SourceExpression) -> str | None:
    if not isinstance(codec, Enumeration) or column.kind not in {"text", "any"}:
        return None
    pairs = "".join(f" WHEN {_quoted(theirs)} THEN {_quoted(ours)}" for theirs, ours in codec.pairs)
    if column.store == "mariadb":
        return f"CASE {_utf8(column.sql)} COLLATE utf8mb4_bin{pairs} END"
    return (
        f"CASE {column.sql}::text{pairs} END"
        if column.store == "postgresql"
        else f"CASE {column.sql}{pairs} END"
    )


def _utf8(expression: str) -> str:
    return f"CONVERT({expression} USING utf8mb4)"


def _quoted(text: str) -> str:
    """Return a literal; backslashes are themselves, as standard_conforming_strings and NO_BACKSLASH_ESCAPES have it."""
    return "'" + text.replace("'", "''") + "'"


_TAGS: Final[dict[str, str]] = {
    "uuid": "u",
    "text": "t",
    "numeric": "d",
    "boolean": "b",
    "integer": "i",
    "bigint": "i",
    "double precision": "f",
    "timestamptz": "z",
    "date": "y",
    "bytea": "x",
}
_TEXTS: Final[dict[type[Codec], Callable[[Codec, SourceExpression], str | None]]] = {
    Text: _text,
    KeyText: _text,
    Integer: _integer,
    BigInteger: _integer,
    Flag: _flag,
    Exact: _exact,
    Money: _exact,
    Float: _float,
    Enumeration: _word,
    Date: _instant,
    LocalDate: _instant,
    Day: _day,
    Uuid: _uuid,
    Bytes: _bytes,
}
