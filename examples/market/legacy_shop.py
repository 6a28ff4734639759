"""The old shop: Flask on MariaDB. ``python legacy_shop.py --port 5000 --database mysql://root@127.0.0.1:3306/market``.

Prices, stock and totals are looked at and changed in one transaction. An order and a payment carry a reference of the caller's own:
sent twice, they are made once.
"""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from queue import SimpleQueue
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pymysql
from flask import Flask, Response, jsonify, request
from pymysql.cursors import DictCursor

ZONE = ZoneInfo("Africa/Algiers")
Row = dict[str, Any]


class Database:
    """Connections that are used one after another."""

    def __init__(self, url: str, size: int) -> None:
        self._url = urlsplit(url)
        self._idle: SimpleQueue[pymysql.Connection[DictCursor] | None] = SimpleQueue()
        for _ in range(size):
            self._idle.put(None)

    @contextmanager
    def transaction(self) -> Iterator[DictCursor]:
        connection = self._idle.get()
        try:
            connection = connection or self._connected()
            with connection.cursor() as cursor:
                yield cursor
            connection.commit()
        except BaseException:
            if connection is not None:
                connection.close()
            connection = None
            raise
        finally:
            self._idle.put(connection)

    def _connected(self) -> "pymysql.Connection[DictCursor]":
        url = self._url
        socket = dict(parse_qsl(url.query)).get("unix_socket")
        return pymysql.connect(
            unix_socket=socket,
            host=url.hostname or "127.0.0.1",
            port=url.port or 3306,
            user=url.username or "root",
            password=url.password or "",
            database=url.path.strip("/"),
            charset="utf8mb4",
            cursorclass=DictCursor,
        )


class RefusedError(Exception):
    """What the shop will not do, with its status."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


def make_app(database: Database) -> Flask:
    """Return the shop."""
    app = Flask(__name__)

    @app.errorhandler(RefusedError)
    def refused(error: RefusedError) -> tuple[Response, int]:
        return jsonify(error=str(error)), error.status

    @app.get("/health")
    def health() -> Response:
        return jsonify(status="ok")

    @app.get("/products")
    def products() -> Response:
        with database.transaction() as cursor:
            cursor.execute("SELECT sku, title, price, stock FROM products WHERE listed ORDER BY sku")
            return jsonify([{**row, "price": str(row["price"])} for row in cursor.fetchall()])

    @app.get("/orders/<int:number>")
    def order(number: int) -> Response:
        with database.transaction() as cursor:
            return jsonify(shown_order(cursor, number))

    @app.post("/orders")
    def place() -> tuple[Response, int]:
        given = request.get_json()
        with database.transaction() as cursor:
            number, made = placed(cursor, given["reference"], given["customer"], given["lines"])
            return jsonify(shown_order(cursor, number)), 201 if made else 200

    @app.post("/orders/<int:number>/payments")
    def pay(number: int) -> tuple[Response, int]:
        given = request.get_json()
        with database.transaction() as cursor:
            made = paid(cursor, number, given["reference"], Decimal(given["amount"]))
            return jsonify(shown_order(cursor, number)), 201 if made else 200

    return app


def placed(cursor: DictCursor, reference: str, customer: str, lines: list[Row]) -> tuple[int, bool]:
    """Make an order, or find the one of this reference; returns its number and whether it was made."""
    # The order first: who sends it twice at once waits here for the other, and holds nothing that the other needs.
    cursor.execute(
        "INSERT IGNORE INTO orders (reference, customer, total, created_at) VALUES (%s, %s, 0, %s)",
        (reference, customer, now()),
    )
    if not cursor.rowcount:
        cursor.execute("SELECT id FROM orders WHERE reference = %s", (reference,))
        (found,) = cursor.fetchall()
        return int(found["id"]), False
    number = int(cursor.lastrowid)
    total = Decimal(0)
    for position, line in enumerate(sorted(lines, key=lambda each: str(each["sku"])), start=1):
        product = bought(cursor, line["sku"], line["quantity"])
        total += line["quantity"] * product["price"]
        cursor.execute(
            "INSERT INTO order_lines (order_id, position, product_id, quantity, price) VALUES (%s, %s, %s, %s, %s)",
            (number, position, product["id"], line["quantity"], product["price"]),
        )
    cursor.execute("UPDATE orders SET total = %s WHERE id = %s", (total, number))
    return number, True


def bought(cursor: DictCursor, sku: str, quantity: int) -> Row:
    """Take some of a product out of the stock, and return it."""
    cursor.execute("SELECT id, price, stock FROM products WHERE sku = %s FOR UPDATE", (sku,))
    product = cursor.fetchone()
    if product is None or product["stock"] < quantity:
        raise RefusedError(409, f"{sku} is sold out")
    cursor.execute("UPDATE products SET stock = stock - %s WHERE id = %s", (quantity, product["id"]))
    return product


def paid(cursor: DictCursor, number: int, reference: str, amount: Decimal) -> bool:
    """Take a payment, unless the one of this reference is there."""
    cursor.execute("SELECT total FROM orders WHERE id = %s FOR UPDATE", (number,))
    order = cursor.fetchone()
    if order is None:
        raise RefusedError(404, f"there is no order {number}")
    cursor.execute("SELECT 1 FROM payments WHERE reference = %s", (reference,))
    if cursor.fetchone() is not None:
        return False
    cursor.execute(
        "INSERT INTO payments (order_id, reference, amount, paid_at) VALUES (%s, %s, %s, %s)",
        (number, reference, amount, now()),
    )
    cursor.execute("SELECT sum(amount) AS paid FROM payments WHERE order_id = %s", (number,))
    together = cursor.fetchone()
    if together is not None and together["paid"] >= order["total"]:
        cursor.execute("UPDATE orders SET state = 'paid' WHERE id = %s", (number,))
    return True


def shown_order(cursor: DictCursor, number: int) -> Row:
    """Return an order as callers see it."""
    cursor.execute(
        "SELECT id, reference, customer, state, total, created_at FROM orders WHERE id = %s", (number,)
    )
    order = cursor.fetchone()
    if order is None:
        raise RefusedError(404, f"there is no order {number}")
    cursor.execute(
        "SELECT p.sku, l.quantity, l.price FROM order_lines l JOIN products p ON p.id = l.product_id"
        " WHERE l.order_id = %s ORDER BY l.position",
        (number,),
    )
    lines = [{**line, "price": str(line["price"])} for line in cursor.fetchall()]
    cursor.execute("SELECT reference, amount FROM payments WHERE order_id = %s ORDER BY reference", (number,))
    payments = [{**payment, "amount": str(payment["amount"])} for payment in cursor.fetchall()]
    return {
        "number": order["id"],
        "reference": order["reference"],
        "customer": order["customer"],
        "state": order["state"],
        "total": str(order["total"]),
        "created_at": order["created_at"].replace(tzinfo=ZONE).isoformat(timespec="microseconds"),
        "lines": lines,
        "payments": payments,
    }


def now() -> datetime:
    """Return the shop's local time, as its tables have it."""
    return datetime.now(ZONE).replace(tzinfo=None)


def main() -> None:
    """Serve until ended."""
    import waitress  # type: ignore[import-untyped]  # it has no types  # noqa: PLC0415 - only where it is served

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument(
        "--database", default=os.environ.get("SHOP_DATABASE", "mysql://root@127.0.0.1/market")
    )
    given = parser.parse_args()
    app = make_app(Database(given.database, size=8))
    waitress.serve(app, host="127.0.0.1", port=given.port, threads=8, _quiet=True)


if __name__ == "__main__":
    main()
