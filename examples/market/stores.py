"""What the demonstrations and tests ask of the two shops' stores: products to begin with, and what is there at the end."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid5

import psycopg
import pymysql

__all__ = ["PRODUCTS", "Held", "grant_engine", "make_new", "make_old", "new_holds", "old_holds"]

HERE: Final = Path(__file__).parent
PRODUCTS: Final = {
    f"SKU-{number:03}": (f"Product {number}", Decimal(number) + Decimal("0.90")) for number in range(1, 41)
}
STOCK: Final = 1_000_000

Held = tuple[dict[str, dict[str, Any]], dict[str, int]]
"""Orders by reference (number, total, payments), and stock by product."""


def old_connection(url: str) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    """Return a connection to the old store."""
    parts = urlsplit(url)
    return pymysql.connect(
        unix_socket=dict(parse_qsl(parts.query)).get("unix_socket"),
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=parts.username or "root",
        password=parts.password or "",
        database=parts.path.strip("/") or None,
        charset="utf8mb4",
        autocommit=True,
    )


def make_old(url: str, stock: int = STOCK) -> None:
    """Make the old store's database and its products."""
    name = urlsplit(url).path.strip("/")
    with old_connection(url.replace(f"/{name}", "/", 1)) as server, server.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{name}`")
    with old_connection(url) as connection, connection.cursor() as cursor:
        for statement in _statements("legacy.sql"):
            cursor.execute(statement)
        cursor.executemany(
            "INSERT INTO products (sku, title, price, stock) VALUES (%s, %s, %s, %s)",
            [(sku, title, price, stock) for sku, (title, price) in PRODUCTS.items()],
        )


def make_new(url: str, org: UUID, *, products: bool = True, stock: int = STOCK) -> None:
    """Make the new store's tables; ``products`` only where nothing is carried over."""
    with psycopg.connect(url) as connection:
        connection.execute((HERE / "new.sql").read_bytes())
        if products:
            connection.cursor().executemany(
                "INSERT INTO market.products (org_id, id, sku, title, price, stock) VALUES (%s, %s, %s, %s, %s, %s)",
                [
                    (org, uuid5(org, sku), sku, title, price, stock)
                    for sku, (title, price) in PRODUCTS.items()
                ],
            )


def grant_engine(url: str) -> None:
    """Give the new store's tables to the engine's owner, who may fence them, and let its flows and loads write them."""
    with psycopg.connect(url) as connection:
        tables = [f"TABLE market.{name}" for name in ("products", "orders", "order_lines", "payments")]
        for thing in ("SCHEMA market", *tables, "SEQUENCE market.order_numbers"):
            connection.execute(f"ALTER {thing} OWNER TO caravan_owner".encode())
        connection.execute("GRANT USAGE ON SCHEMA market TO caravan_system")
        connection.execute("GRANT ALL ON ALL TABLES IN SCHEMA market TO caravan_system")
        connection.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA market TO caravan_system")


def old_holds(url: str) -> Held:
    """Return what the old store holds."""
    with old_connection(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, reference, total FROM orders")
        orders = list(cursor.fetchall())
        cursor.execute("SELECT order_id, reference, amount FROM payments")
        payments = list(cursor.fetchall())
        cursor.execute("SELECT sku, stock FROM products")
        return _held(orders, payments, dict(cursor.fetchall()))


def new_holds(url: str, org: UUID) -> Held:
    """Return what the new store holds of an organisation."""
    with psycopg.connect(url) as connection:
        orders = connection.execute(
            "SELECT number, reference, total FROM market.orders WHERE org_id = %s", (org,)
        ).fetchall()
        payments = connection.execute(
            "SELECT o.number, p.reference, p.amount FROM market.payments p"
            " JOIN market.orders o ON o.org_id = p.org_id AND o.id = p.order_id WHERE p.org_id = %s",
            (org,),
        ).fetchall()
        stock = connection.execute(
            "SELECT sku, stock FROM market.products WHERE org_id = %s", (org,)
        ).fetchall()
    return _held(orders, payments, dict(stock))


def _held(orders: list[Any], payments: list[Any], stock: Mapping[str, int]) -> Held:
    found = {
        reference: {"number": number, "total": total, "payments": {}} for number, reference, total in orders
    }
    by_number = {number: reference for number, reference, _ in orders}
    for number, reference, amount in payments:
        found[by_number[number]]["payments"][reference] = amount
    return found, dict(stock)


def _statements(name: str) -> list[str]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("--"))
    return [statement for statement in text.split(";") if statement.strip()]
