"""Differences that tools which make rows into text tend to miss: each is one change of one row on one side.

The table holds each kind of value once. ``base`` makes equal sides; a trap is a statement run on the right side (or, where it must be
there, on the left one too) behind which exactly its key differs.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["COLUMNS", "MARIADB_TABLE", "POSTGRES_TABLE", "ROWS", "SQLITE_TABLE", "TRAPS", "Trap", "base_row"]

POSTGRES_TABLE: Final = """
CREATE TABLE traps (id bigint PRIMARY KEY, a text, b text, amount numeric(18,4), paid boolean, placed timestamptz(6),
    noted timestamp(6), day date, ratio double precision)
"""
MARIADB_TABLE: Final = """
CREATE TABLE traps (id bigint PRIMARY KEY, a text COLLATE utf8mb4_general_ci, b text COLLATE utf8mb4_general_ci,
    amount decimal(18,4), paid tinyint(1), placed timestamp(6) NULL, noted datetime(6), day date, ratio double)
    CHARACTER SET utf8mb4
"""
SQLITE_TABLE: Final = """
CREATE TABLE traps (id INTEGER PRIMARY KEY, a TEXT, b TEXT, amount TEXT, paid INTEGER, placed TEXT, noted TEXT, day TEXT, ratio REAL)
"""
COLUMNS: Final = ("id", "a", "b", "amount", "paid", "placed", "noted", "day", "ratio")
ROWS: Final = 400


def base_row(number: int) -> tuple[str, ...]:
    """Return the values of a row as SQL literals that every store understands; number 0 has the key -100."""
    key = number - 100
    return (
        str(key),
        f"'name {key}'" if key % 7 else "NULL",
        f"'München {key}'",
        f"{key}.2500" if key % 5 else "NULL",
        str(key % 2),
        f"'2024-03-31 01:{abs(key) % 60:02}:00.123456'",
        f"'2024-03-31 01:{abs(key) % 60:02}:00.5'",
        "'2024-02-29'",
        "0.1" if key % 3 else "NULL",
    )


@dataclass(frozen=True, slots=True)
class Trap:
    """``left`` and ``right`` set the row ``key`` apart; ``right`` may be another statement than an update of it."""

    name: str
    key: int
    left: str
    right: str
    statement: str = ""


TRAPS: Final = (
    Trap("NULL against the text <null>", 1, "a = NULL", "a = '<null>'"),
    Trap("empty against NULL", 2, "a = ''", "a = NULL"),
    Trap("trailing space", 3, "a = 'x'", "a = 'x '"),
    Trap("letter case", 4, "a = 'Straw'", "a = 'straw'"),
    Trap("separator shift", 5, "a = 'x|y', b = 'z'", "a = 'x', b = 'y|z'"),
    Trap("length shift", 6, "a = '1:x', b = ''", "a = '', b = '1:x'"),
    Trap(
        "one microsecond", 7, "placed = '2024-03-31 01:30:00.123456'", "placed = '2024-03-31 01:30:00.123457'"
    ),
    Trap("one hour", 8, "noted = '2024-03-31 01:30:00'", "noted = '2024-03-31 02:30:00'"),
    Trap("last bit of a double", 9, "ratio = 0.1", "ratio = 0.10000000000000002"),
    Trap("accent", 10, "a = 'résumé'", "a = 'resume'"),
    Trap("composed against decomposed", 11, "a = '\u00e9'", "a = 'e\u0301'"),
    Trap("last digit of an amount", 12, "amount = 12.3400", "amount = 12.3401"),
    Trap("key zero", 0, "b = 'left'", "b = 'right'"),
    Trap("negative key", -50, "b = 'left'", "b = 'right'"),
    Trap("a negative key gone", -100, "", "", "DELETE FROM traps WHERE id = -100"),
    Trap("highest key gone", 299, "", "", "DELETE FROM traps WHERE id = 299"),
    Trap("row gone", 150, "", "", "DELETE FROM traps WHERE id = 150"),
    Trap("row too many", 1000, "", "", "INSERT INTO traps (id, a) VALUES (1000, 'x')"),
    Trap(
        "two rows swapped",
        20,
        "",
        "",
        "UPDATE traps SET b = CASE id WHEN 20 THEN 'München 21' ELSE 'München 20' END WHERE id IN (20, 21)",
    ),
)
