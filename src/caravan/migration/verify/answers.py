"""Answers of declared queries, from any store that answers SQL, as rows of texts that can be held against each other.

A number is its digits without trailing zeros whatever its type, a truth value is 1 or 0, a time is in UTC.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias
from uuid import UUID

import psycopg

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.migration.load.readers.mariadb import connected
from caravan.migration.verify.errors import SideLostError

__all__ = ["Answer", "mariadb_answer", "our_answer", "postgres_answer", "sqlite_answer"]

Answer: TypeAlias = list[tuple[str | None, ...]]

_READ_ONLY: Final = "-c default_transaction_read_only=on -c timezone=UTC -c row_security=off"


def our_answer(address: DatabaseAddress, query: str, org_id: UUID) -> Answer:
    """Ask our database; raises ``SideLostError`` with what it says."""
    try:
        with psycopg.connect(
            address.libpq(Role.SYSTEM, application="caravan verify"), autocommit=True
        ) as ours:
            ours.execute("SET default_transaction_read_only = on")
            return _rows(ours.execute(query.encode(), {"org_id": org_id}).fetchall())
    except psycopg.Error as error:
        raise SideLostError(f"our database: {str(error).strip()}") from error


def postgres_answer(url: str, query: str) -> Answer:
    """Ask a PostgreSQL; raises ``SideLostError``."""
    try:
        with psycopg.connect(url, options=_READ_ONLY, application_name="caravan verify") as connection:
            return _rows(connection.execute(query.encode()).fetchall())
    except psycopg.Error as error:
        raise SideLostError(f"PostgreSQL: {str(error).strip()}") from error


def sqlite_answer(path: Path, query: str) -> Answer:
    """Ask a SQLite file; raises ``SideLostError``."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return _rows(connection.execute(query).fetchall())
    except sqlite3.Error as error:
        raise SideLostError(f"{path}: {error}") from error


def mariadb_answer(url: str, query: str) -> Answer:
    """Ask a MariaDB or MySQL; raises ``SideLostError``."""
    import pymysql  # noqa: PLC0415 - an extra
    from pymysql.converters import decoders  # noqa: PLC0415 - as above

    try:
        with closing(connected(url)) as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION time_zone = '+00:00', NAMES utf8mb4")
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            cursor.execute(query)
            kinds = [column[1] for column in cursor.description or ()]
            return _rows(
                [
                    tuple(_decoded(decoders, kind, value) for kind, value in zip(kinds, row, strict=True))
                    for row in cursor.fetchall()
                ]
            )
    except pymysql.Error as error:
        raise SideLostError(f"MariaDB: {error.args[-1]}") from error


def _decoded(decoders: Any, kind: int, value: Any) -> Any:  # noqa: ANN401 - the driver's own table
    if not isinstance(value, bytes):
        return value
    text = value.decode("utf-8", "replace")
    decode = decoders.get(kind)
    return text if decode is None else decode(text)


def _rows(found: Sequence[Sequence[Any]]) -> Answer:
    return [tuple(_text(value) for value in row) for row in found]


def _text(value: Any) -> str | None:  # noqa: ANN401, PLR0911 - a table of types, any value of any store
    match value:
        case None:
            return None
        case bool():
            return str(int(value))
        case int() | Decimal() | float():
            return _number(Decimal(repr(value) if isinstance(value, float) else value))
        case datetime():
            moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            return moment.isoformat(" ")
        case date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case _:
            return str(value)


def _number(value: Decimal) -> str:
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
