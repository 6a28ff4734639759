"""The market's data at rest, and a hand that goes on writing it: a file of SQLite, a PostgreSQL, and a mongodump."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

import bson
import psycopg
from bson.decimal128 import Decimal128

__all__ = ["Writer", "make_dump", "make_postgres", "make_sqlite", "postgres_statement", "sqlite_statement"]

PRODUCTS: Final = 20
_NOON: Final = datetime(2026, 7, 1, 12, tzinfo=UTC)
_TABLES: Final = """
CREATE TABLE products (id INTEGER PRIMARY KEY, sku {text} NOT NULL UNIQUE, title {text} NOT NULL, price {number} NOT NULL, stock INTEGER NOT NULL, listed {flag} NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, reference {text} NOT NULL UNIQUE, customer {text} NOT NULL, state {text} NOT NULL, total {number} NOT NULL, created_at {time} NOT NULL);
CREATE TABLE order_lines (order_id INTEGER NOT NULL REFERENCES orders, position INTEGER NOT NULL, product_id INTEGER NOT NULL REFERENCES products, quantity INTEGER NOT NULL, price {number} NOT NULL, PRIMARY KEY (order_id, position));
CREATE TABLE payments (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders, reference {text} NOT NULL UNIQUE, amount {number} NOT NULL, paid_at {time} NOT NULL);
"""
_WORDS: Final = {
    "sqlite": {"text": "TEXT", "number": "TEXT", "flag": "INTEGER", "time": "TEXT"},
    "postgres": {"text": "text", "number": "numeric(12, 2)", "flag": "boolean", "time": "timestamp"},
}

Statement = tuple[str, tuple[Any, ...]]
Execute = Callable[[Sequence[Statement]], None]
"""Runs statements, with ``?`` for values, in one transaction."""


class Writer:
    """Takes one order after the other, each in a transaction with its lines and payment, in a thread, until the block ends.

    ``made`` is how many it took.
    """

    def __init__(self, execute: Execute, *, first: int, pause: float = 0.02) -> None:
        self._execute, self._first, self._pause = execute, first, pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.made = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        while not self._stop.wait(self._pause):
            self._execute(_order(self._first + self.made))
            self.made += 1


def make_sqlite(path: Path, orders: int) -> None:
    """Make the file, in the mode in which writers do not wait for readers."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_TABLES.format(**_WORDS["sqlite"]))
    sqlite_statement(path)([*_products(), *_orders(orders)])


def sqlite_statement(path: Path) -> Execute:
    """Return what writes the file."""

    def execute(statements: Sequence[Statement]) -> None:
        with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
            for statement, values in statements:
                connection.execute(statement, tuple(_plain(value) for value in values))

    return execute


def make_postgres(url: str, orders: int) -> None:
    """Make the tables in a database of PostgreSQL."""
    with psycopg.connect(url) as connection:
        connection.execute(_TABLES.format(**_WORDS["postgres"]).encode())
    postgres_statement(url)([*_products(), *_orders(orders)])


def postgres_statement(url: str) -> Execute:
    """Return what writes the database."""

    def execute(statements: Sequence[Statement]) -> None:
        with psycopg.connect(url) as connection:
            for statement, values in statements:
                connection.execute(statement.replace("?", "%s").encode(), values)

    return execute


def make_dump(folder: Path, orders: int) -> None:
    """Write what `mongodump` writes of a database: a file of BSON for each collection."""
    folder.mkdir(parents=True)
    products: list[dict[str, Any]] = [
        {"_id": number, "sku": f"SKU-{number}", "title": f"Product {number}", "price": Decimal128(_price(number)),
         "stock": 1000, "listed": True}
        for number in range(1, PRODUCTS + 1)
    ]  # fmt: skip
    placed = [
        {"_id": number, "number": number, "reference": f"order-{number}", "customer": "Zoé", "state": "paid",
         "total": Decimal128(_price(_product(number))), "created_at": _time(number),
         "lines": [{"position": 1, "product_id": _product(number), "quantity": 1,
                    "price": Decimal128(_price(_product(number)))}]}
        for number in range(1, orders + 1)
    ]  # fmt: skip
    payments = [
        {"_id": bson.ObjectId(f"{number:024x}"), "order_id": number, "reference": f"paid-{number}",
         "amount": Decimal128(_price(_product(number))), "paid_at": _time(number)}
        for number in range(1, orders + 1)
    ]  # fmt: skip
    for name, documents in {"products": products, "orders": placed, "payments": payments}.items():
        (folder / f"{name}.bson").write_bytes(b"".join(map(bson.encode, documents)))


def _products() -> Iterator[Statement]:
    for number in range(1, PRODUCTS + 1):
        yield (
            "INSERT INTO products (id, sku, title, price, stock, listed) VALUES (?, ?, ?, ?, ?, ?)",
            (number, f"SKU-{number}", f"Product {number}", _price(number), 1000, True),
        )


def _orders(count: int) -> Iterator[Statement]:
    for number in range(1, count + 1):
        yield from _order(number)


def _order(number: int) -> list[Statement]:
    at, price = _time(number).replace(tzinfo=None), _price(_product(number))
    return [
        (
            "INSERT INTO orders (id, reference, customer, state, total, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            (number, f"order-{number}", "Zoé", "paid", price, at),
        ),
        (
            "INSERT INTO order_lines (order_id, position, product_id, quantity, price) VALUES (?, ?, ?, ?, ?)",
            (number, 1, _product(number), 1, price),
        ),
        (
            "INSERT INTO payments (id, order_id, reference, amount, paid_at) VALUES (?, ?, ?, ?, ?)",
            (number, number, f"paid-{number}", price, at),
        ),
        ("UPDATE products SET stock = stock - 1 WHERE id = ?", (_product(number),)),
    ]


def _product(number: int) -> int:
    return number % PRODUCTS + 1


def _price(number: int) -> Decimal:
    return Decimal(number) + Decimal("0.90")


def _time(number: int) -> datetime:
    return _NOON + timedelta(seconds=number)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value) if isinstance(value, Decimal) else value
