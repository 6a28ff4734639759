"""The library's books and loans: one SQLite file beside the apps, made at the first start."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

FILE = Path(__file__).with_name("shelf.db")

_SCHEMA = """
CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT NOT NULL, author TEXT NOT NULL, year INTEGER NOT NULL, isbn TEXT);
CREATE TABLE loans (id INTEGER PRIMARY KEY, book INTEGER NOT NULL REFERENCES books, visitor TEXT NOT NULL,
                    due TEXT NOT NULL, returned TEXT);
"""
_TITLES = (
    "Emma", "Dracula", "eXperiments in Plant Hybridisation", "Persuasion", "The Time Machine", "Kim",
    "de Profundis", "Middlemarch", "The Jungle Book", "Villette", "iambics for Beginners", "Lady Susan",
)  # fmt: skip
_AUTHORS = ("Austen", "Stoker", "Mendel", "Wells", "Kipling", "Wilde", "Eliot", "Bronte")
_BOOKS = 60


@contextmanager
def opened() -> Iterator[sqlite3.Connection]:
    """Give a connection whose changes are committed when the block ends well."""
    with closing(sqlite3.connect(FILE, timeout=10)) as connection, connection:
        connection.row_factory = sqlite3.Row
        yield connection


def prepare() -> None:
    """Make the file when it is not there."""
    if FILE.exists():
        return
    with opened() as connection:
        connection.executescript(_SCHEMA)
        connection.executemany("INSERT INTO books VALUES (?, ?, ?, ?, ?)", map(_book, range(1, _BOOKS + 1)))
        connection.executemany(
            "INSERT INTO loans VALUES (?, ?, 'somebody', '2026-03-01', ?)",
            [(number, number, "2026-02-20" if number % 2 else None) for number in range(1, 13)],
        )


def _book(number: int) -> tuple[int, str, str, int, str | None]:
    title = _TITLES[number % len(_TITLES)]
    edition = "" if number <= len(_TITLES) else f", volume {number // len(_TITLES) + 1}"
    isbn = f"978-0-00-{number:06d}-0" if number % 3 else None
    return number, title + edition, _AUTHORS[number % len(_AUTHORS)], 1800 + number, isbn
