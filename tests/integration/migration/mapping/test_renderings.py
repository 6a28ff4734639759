# ruff: noqa: S608 - statements of a test, on names of its own making
"""What a store's own SQL says of a value is what verification hashes of the normal one."""

import sqlite3
import uuid
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from caravan.core.database import DatabaseAddress
from caravan.migration.load.readers import Described, Record, TableReader, decode, kind_of_column, open_source
from caravan.migration.load.readers.mariadb import SESSION
from caravan.migration.mapping import codecs
from caravan.migration.mapping.codecs import Codec
from caravan.migration.mapping.contract import Column, MappingContext
from caravan.migration.mapping.renderings import SourceExpression, Store, rendering
from caravan.migration.verify import RowEncoder
from tests.fixtures.capabilities import needs
from tests.fixtures.databases import fresh_copy
from tests.fixtures.mariadb_server import PrivateMariadb

CONTEXT = MappingContext(UUID(int=1), None, UUID(int=2))
WORDS = codecs.Enumeration((("new", "open"), ("it's \\", "ours"), "New"))
TEXTS = ["", " ", "a ", "été 日本", "it's", "back\\slash", "NULL", None]

POSTGRESQL: dict[str, tuple[str, Codec, int | None, list[Any]]] = {
    "words": ("text", codecs.Text(), None, TEXTS),
    "short": ("varchar(20)", codecs.KeyText(), None, TEXTS),
    "small": ("smallint", codecs.Integer(), None, [-5, 0, 7, None]),
    "big": ("bigint", codecs.BigInteger(), None, [-(2**63), 2**63 - 1, None]),
    "ok": ("boolean", codecs.Flag(), None, [True, False, None]),
    "price": ("numeric(12,2)", codecs.Money(), 2, ["-0.00", "12.30", "-9999999999.99", None]),
    "fine": ("numeric(12,2)", codecs.Exact(3), 2, ["0.10", "-1", None]),
    "any": ("numeric", codecs.Exact(), None, ["1.500", "100", "-0.0", "123456789012345678901234567890.5", None]),
    "wide": ("double precision", codecs.Float(), None, ["NaN", "-0", "0.1", "1e308", "Infinity", None]),
    "narrow": ("real", codecs.Float(), None, ["0.1", "3e38", None]),
    "at": ("timestamptz", codecs.Date(), None, ["0001-01-01 00:00:00+00", "2024-05-01 12:00:00.000001+02", "9999-12-31Z", None]),
    "local": ("timestamp", codecs.LocalDate(), None, ["1969-12-31 23:59:59.999999", "2024-10-27 02:30:00", None]),
    "day": ("date", codecs.Day(), None, ["0001-01-01", "1969-12-31", "2024-02-29", None]),
    "thing": ("uuid", codecs.Uuid(), None, [str(UUID(int=5)), None]),
    "raw": ("bytea", codecs.Bytes(), None, [b"", b"\x00\xff", None]),
    "word": ("text", WORDS, None, ["new", "it's \\", "New", None]),
}  # fmt: skip
MARIADB: dict[str, tuple[str, Codec, int | None, list[Any]]] = {
    "words": ("varchar(40) CHARACTER SET utf8mb4", codecs.Text(), None, TEXTS),
    "old": ("varchar(40) CHARACTER SET latin1", codecs.Text(), None, ["été", "a ", None]),
    "tiny": ("tinyint(1)", codecs.Flag(), None, [0, 1, None]),
    "small": ("smallint unsigned", codecs.Integer(), None, [0, 65_535, None]),
    "big": ("bigint unsigned", codecs.Exact(0), None, [0, 2**64 - 1, None]),
    "bits": ("bit(17)", codecs.Integer(), None, [0, 5, None]),
    "price": ("decimal(12,2)", codecs.Money(), 2, ["-0.00", "12.30", None]),
    "fine": ("decimal(30,10)", codecs.Exact(), 10, ["1.5", "100", "0", "-0.0000000001", None]),
    "at": ("timestamp(6) NULL", codecs.Date(), None, ["1970-01-02 00:00:00", "2024-05-01 12:00:00.000001", None]),
    "local": ("datetime(6)", codecs.LocalDate(), None, ["1000-01-01", "1969-12-31 23:59:59.999999", "9999-12-31 23:59:59", None]),
    "day": ("date", codecs.Day(), None, ["1000-01-01", "1969-12-31", "2024-02-29", None]),
    "thing": ("uuid", codecs.Uuid(), None, [str(UUID(int=5, version=4)), None]),
    "id16": ("binary(16)", codecs.Uuid(), None, [UUID(int=5).bytes, None]),
    "raw": ("varbinary(9)", codecs.Bytes(), None, [b"", b"\x00\xff", None]),
    "word": ("enum('new','it''s \\\\','gone')", WORDS, None, ["new", "it's \\", None]),
}  # fmt: skip
SQLITE: dict[str, tuple[str, Codec, int | None, list[Any]]] = {
    "words": ("TEXT", codecs.Text(), None, [*TEXTS, 5]),
    "big": ("INTEGER", codecs.BigInteger(), None, [-(2**63), 2**63 - 1, None]),
    "ok": ("BOOLEAN", codecs.Flag(), None, [0, 1, None]),
    "raw": ("BLOB", codecs.Bytes(), None, [b"", b"\x00\xff", None]),
    "word": ("TEXT", WORDS, None, ["new", "it's \\", None]),
}
Columns = dict[str, tuple[str, Codec, int | None, list[Any]]]


def expected(reader: TableReader, columns: Columns) -> list[list[str]]:
    """Return the cells that verification makes of each row, read and decoded."""
    encoder = RowEncoder(
        [Column(name, codec.sql_type, codec.scale) for name, (_, codec, *_) in columns.items()]
    )
    found = []
    for record in reader.read("things"):
        assert isinstance(record, Record), record
        row = decode("row", record.raw)
        found.append(
            encoder.cells([codec.decode(row[name], CONTEXT) for name, (_, codec, *_) in columns.items()])
        )
    return found


def expressions(reader: TableReader, store: Store, columns: Columns, mark: str) -> list[str]:
    assert isinstance(reader, Described)
    table = reader.tables()["things"]
    found = []
    for name, (_, codec, places, _) in columns.items():
        column = table.column(name)
        kind = kind_of_column(reader.dialect, "things", column, reader.rules)
        quoted = f"{mark}{name}{mark}"
        sql = rendering(codec, SourceExpression(store, quoted, kind, column.type.lower(), places))
        assert sql is not None, name
        found.append(sql)
    return found


def rows(columns: Columns) -> list[Sequence[Any]]:
    longest = max(len(values) for *_, values in columns.values())
    return [[values[n % len(values)] for *_, values in columns.values()] for n in range(longest)]


def test_postgresql(postgres_server: DatabaseAddress) -> None:
    with (
        fresh_copy(postgres_server, "template0") as source,
        psycopg.connect(source.libpq(None), autocommit=True) as connection,
    ):
        declared = ", ".join(f'"{name}" {kind}' for name, (kind, *_) in POSTGRESQL.items())
        connection.execute(f"CREATE TABLE things (n serial PRIMARY KEY, {declared})".encode())
        names = ", ".join(f'"{name}"' for name in POSTGRESQL)
        marks = ", ".join(["%s"] * len(POSTGRESQL))
        connection.cursor().executemany(
            f"INSERT INTO things ({names}) VALUES ({marks})".encode(), rows(POSTGRESQL)
        )
        with closing(open_source(source.libpq(None))) as reader:  # type: ignore[type-var]
            assert isinstance(reader, TableReader)
            cells = ", ".join(expressions(reader, "postgresql", POSTGRESQL, '"'))
            found = connection.execute(f"SELECT {cells} FROM things ORDER BY n".encode()).fetchall()
            assert [list(row) for row in found] == expected(reader, POSTGRESQL)


@needs("mariadbd")
def test_mariadb(mariadb: PrivateMariadb) -> None:
    name = f"t{uuid.uuid4().hex[:12]}"
    with closing(mariadb.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        cursor.execute(f"USE {name}")
        declared = ", ".join(f"`{column}` {kind}" for column, (kind, *_) in MARIADB.items())
        cursor.execute(f"CREATE TABLE things (n int AUTO_INCREMENT PRIMARY KEY, {declared})")
        cursor.execute("SET time_zone = '+00:00'")
        names = ", ".join(f"`{column}`" for column in MARIADB)
        cursor.executemany(
            f"INSERT INTO things ({names}) VALUES ({', '.join(['%s'] * len(MARIADB))})", rows(MARIADB)
        )
        for statement in SESSION:
            cursor.execute(statement)
        cursor.execute("SET SESSION character_set_results = 'utf8mb4'")
        with closing(open_source(mariadb.url(name))) as reader:  # type: ignore[type-var]
            assert isinstance(reader, TableReader)
            cursor.execute(
                f"SELECT {', '.join(expressions(reader, 'mariadb', MARIADB, '`'))} FROM things ORDER BY n"
            )
            assert [list(row) for row in cursor.fetchall()] == expected(reader, MARIADB)
        cursor.execute(f"DROP DATABASE {name}")


def test_sqlite(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "s.db")) as file:
        declared = ", ".join(f'"{name}" {kind}' for name, (kind, *_) in SQLITE.items())
        file.execute(f"CREATE TABLE things (n INTEGER PRIMARY KEY, {declared})")
        names = ", ".join(f'"{name}"' for name in SQLITE)
        file.executemany(
            f"INSERT INTO things ({names}) VALUES ({', '.join('?' * len(SQLITE))})", rows(SQLITE)
        )
        file.commit()
        with closing(open_source(tmp_path / "s.db")) as reader:  # type: ignore[type-var]
            assert isinstance(reader, TableReader)
            cells = ", ".join(expressions(reader, "sqlite", SQLITE, '"'))
            found = file.execute(f"SELECT {cells} FROM things ORDER BY n").fetchall()
            assert [list(row) for row in found] == expected(reader, SQLITE)


def test_what_a_store_cannot_say_exactly_has_no_rendering() -> None:
    paris = SourceExpression("mariadb", "c", "local", timezone="Europe/Paris")
    assert rendering(codecs.LocalDate(), paris) is None
    assert rendering(codecs.Float(), SourceExpression("mariadb", "c", "float")) is None
    assert rendering(codecs.Exact(2), SourceExpression("postgresql", "c", "decimal", places=3)) is None
    assert rendering(codecs.Json(), SourceExpression("postgresql", "c", "json")) is None
    assert rendering(codecs.Text(), SourceExpression("postgresql", "c", "text", "character(3)")) is None


def test_a_value_that_is_refused_equals_nothing() -> None:
    with closing(sqlite3.connect(":memory:")) as file:
        cell = rendering(codecs.Flag(), SourceExpression("sqlite", "v", "integer"), absent="b:1:f")
        found = file.execute(f"SELECT {cell} FROM (SELECT 2 AS v UNION ALL SELECT NULL UNION ALL SELECT 1)")
        assert [row[0] for row in found] == ["?", "b:1:f", "b:1:t"]
