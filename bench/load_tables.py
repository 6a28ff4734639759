"""The table of ``bench.load_peers`` in its sources, and what Caravan is told of it: a mapping and a migration file."""

import json
from pathlib import Path
from typing import Final

__all__ = [
    "MARIADB_FILL",
    "MARIADB_TABLE",
    "POSTGRES_TABLE",
    "SQLITE_FILL",
    "SQLITE_TABLE",
    "TARGET",
    "write_migration",
]

MARIADB_TABLE: Final = """
CREATE TABLE orders (id int PRIMARY KEY, customer bigint NOT NULL, name varchar(200) NOT NULL, note text, total decimal(18,4) NOT NULL,
    paid tinyint(1) NOT NULL, placed datetime(6) NOT NULL, state enum('new','paid','sent','done','void') NOT NULL) CHARACTER SET utf8mb4
"""
MARIADB_FILL: Final = """
INSERT INTO orders SELECT seq, seq * 7919, concat('Customer number ', seq % 7919),
    CASE WHEN seq % 11 = 0 THEN NULL ELSE concat('note ', md5(seq)) END, (seq * 37 % 1000000) / 100.0, seq % 3 = 0,
    timestamp '2020-01-01 00:00:00' + INTERVAL seq * 37123457 MICROSECOND, seq % 5 + 1
FROM seq_1_to_{rows}
"""
SQLITE_TABLE: Final = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, name TEXT NOT NULL, note TEXT, total NUMERIC NOT NULL,
    paid INTEGER NOT NULL, placed TEXT NOT NULL, state TEXT NOT NULL)
"""
SQLITE_FILL: Final = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
INSERT INTO orders SELECT i, i * 7919, 'Customer number ' || i % 7919,
    CASE WHEN i % 11 = 0 THEN NULL ELSE 'note ' || hex(i * 2654435761) || hex(i) END, (i * 37 % 1000000) / 100.0, i % 3 = 0,
    strftime('%Y-%m-%d %H:%M:%S', 1577836800 + i * 37, 'unixepoch'),
    CASE i % 5 WHEN 0 THEN 'new' WHEN 1 THEN 'paid' WHEN 2 THEN 'sent' WHEN 3 THEN 'done' ELSE 'void' END FROM n
"""
POSTGRES_TABLE: Final = """
CREATE TABLE floor.orders (id int, customer bigint, name text, note text, total numeric, paid int, placed timestamptz, state text)
"""
TARGET: Final = "legacy.orders"
_MAPPING: Final = '''"""Orders as they are."""

from caravan.migration.mapping.codecs import BigInteger, Enumeration, Exact, Flag, Integer, LocalDate, Text
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.fields import Field, Main

orders = Entity("order", Main("legacy.orders", (
    Field("id", "legacy_id", Integer()), Field("customer", "customer", BigInteger()), Field("name", "name", Text()),
    Field("note", "note", Text()), Field("total", "total", Exact({places})), Field("paid", "paid", Flag()),
    Field("placed", "placed", LocalDate()), Field("state", "state", Enumeration(("new", "paid", "sent", "done", "void"))),
), client=False, key=("id",), extra=False))
'''
_RULES: Final = '\n[sources.old.columns]\n"orders.total" = "decimal"\n"orders.placed" = "iso"\n'


def write_migration(folder: Path, module: str, source: str, *, sqlite: bool) -> Path:
    """Write the mapping and the migration file of one source; ``source`` is its URL or its path."""
    folder.mkdir(parents=True, exist_ok=True)
    places = "" if sqlite else "4"
    (folder / f"{module}.py").write_text(_MAPPING.replace("{places}", places), encoding="utf-8")
    place = f"path = {json.dumps(source)}" if sqlite else f"url = {json.dumps(source)}"
    file = folder / "migration.toml"
    file.write_text(
        f'[migration]\nname = "bench"\norg = "bench"\n[sources.old]\n{place}\n{_RULES if sqlite else ""}'
        f'[[data_sets]]\nname = "orders"\nsource = "old"\ncollection = "orders"\nmapping = "{module}:orders"\n',
        encoding="utf-8",
    )
    return file
