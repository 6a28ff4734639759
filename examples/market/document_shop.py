"""The old shop on MongoDB: Flask and PyMongo. ``python document_shop.py --port 5000 --database mongodb://127.0.0.1/market``.

An order is one document with its lines; payments and products are documents of their own. It needs no transactions: stock is taken
before the order is written, and each step is one document. An order and a payment carry a reference of the caller's own: sent twice,
they are made once.
"""

import argparse
import os
import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from bson.decimal128 import Decimal128
from flask import Flask, Response, jsonify, request
from pymongo import MongoClient
from pymongo.database import Database

ZONE = ZoneInfo("Africa/Algiers")
Document: TypeAlias = dict[str, Any]
Store: TypeAlias = "Database[Document]"


class RefusedError(Exception):
    """What the shop will not do, with its status."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


def make_app(store: Store) -> Flask:
    """Return the shop."""
    app = Flask(__name__)
    numbers = threading.Lock()

    @app.errorhandler(RefusedError)
    def refused(error: RefusedError) -> tuple[Response, int]:
        return jsonify(error=str(error)), error.status

    @app.get("/health")
    def health() -> Response:
        return jsonify(status="ok")

    @app.get("/products")
    def products() -> Response:
        found = store["products"].find({"listed": True}, {"_id": 0, "listed": 0}).sort("sku", 1)
        return jsonify([{**product, "price": money(product["price"])} for product in found])

    @app.get("/orders/<int:number>")
    def order(number: int) -> Response:
        return jsonify(shown_order(store, number))

    @app.post("/orders")
    def place() -> tuple[Response, int]:
        given = request.get_json()
        with numbers:
            number, made = placed(store, given["reference"], given["customer"], given["lines"])
        return jsonify(shown_order(store, number)), 201 if made else 200

    @app.post("/orders/<int:number>/payments")
    def pay(number: int) -> tuple[Response, int]:
        given = request.get_json()
        made = paid(store, number, given["reference"], Decimal(given["amount"]))
        return jsonify(shown_order(store, number)), 201 if made else 200

    return app


def placed(store: Store, reference: str, customer: str, lines: list[Document]) -> tuple[int, bool]:
    """Make an order, or find the one of this reference; returns its number and whether it was made. One at a time: it counts."""
    found = store["orders"].find_one({"reference": reference}, {"number": 1})
    if found is not None:
        return int(found["number"]), False
    bought = [
        _bought(store, position, line["sku"], line["quantity"])
        for position, line in enumerate(sorted(lines, key=lambda each: str(each["sku"])), start=1)
    ]
    total = sum((line["quantity"] * line["price"].to_decimal() for line in bought), Decimal(0))
    last = store["orders"].find_one({}, {"number": 1}, sort=[("number", -1)])
    number = int(last["number"]) + 1 if last is not None else 1
    store["orders"].insert_one(
        {
            "number": number,
            "reference": reference,
            "customer": customer,
            "state": "open",
            "total": Decimal128(total),
            "created_at": now(),
            "lines": bought,
        }
    )
    return number, True


def _bought(store: Store, position: int, sku: str, quantity: int) -> Document:
    product = store["products"].find_one_and_update(
        {"sku": sku, "stock": {"$gte": quantity}}, {"$inc": {"stock": -quantity}}
    )
    if product is None:
        raise RefusedError(409, f"{sku} is sold out")
    return {
        "position": position,
        "product_id": product["_id"],
        "quantity": quantity,
        "price": product["price"],
    }


def paid(store: Store, number: int, reference: str, amount: Decimal) -> bool:
    """Take a payment, unless the one of this reference is there."""
    order = store["orders"].find_one({"number": number}, {"total": 1})
    if order is None:
        raise RefusedError(404, f"there is no order {number}")
    if store["payments"].find_one({"reference": reference}) is not None:
        return False
    store["payments"].insert_one(
        {"order_id": order["_id"], "reference": reference, "amount": Decimal128(amount), "paid_at": now()}
    )
    together = sum(
        (each["amount"].to_decimal() for each in store["payments"].find({"order_id": order["_id"]})),
        Decimal(0),
    )
    if together >= order["total"].to_decimal():
        store["orders"].update_one({"number": number}, {"$set": {"state": "paid"}})
    return True


def shown_order(store: Store, number: int) -> Document:
    """Return an order as callers see it."""
    order = store["orders"].find_one({"number": number})
    if order is None:
        raise RefusedError(404, f"there is no order {number}")
    names = {each["_id"]: each["sku"] for each in store["products"].find({}, {"sku": 1})}
    payments = store["payments"].find({"order_id": order["_id"]}).sort("reference", 1)
    return {
        "number": order["number"],
        "reference": order["reference"],
        "customer": order["customer"],
        "state": order["state"],
        "total": money(order["total"]),
        "created_at": order["created_at"].astimezone(ZONE).isoformat(timespec="microseconds"),
        "lines": [
            {"sku": names[line["product_id"]], "quantity": line["quantity"], "price": money(line["price"])}
            for line in order["lines"]
        ],
        "payments": [
            {"reference": payment["reference"], "amount": money(payment["amount"])} for payment in payments
        ],
    }


def money(value: Decimal128) -> str:
    """Return an amount with two digits."""
    return f"{value.to_decimal():.2f}"


def now() -> datetime:
    """Return the time to the millisecond, as a document keeps it."""
    found = datetime.now(UTC)
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def main() -> None:
    """Serve until ended."""
    import waitress  # type: ignore[import-untyped]  # it has no types  # noqa: PLC0415 - only where it is served

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--database", default=os.environ.get("SHOP_DATABASE", "mongodb://127.0.0.1/market"))
    given = parser.parse_args()
    client: MongoClient[Document] = MongoClient(given.database, tz_aware=True, appname="market")
    waitress.serve(
        make_app(client.get_default_database()), host="127.0.0.1", port=given.port, threads=8, _quiet=True
    )


if __name__ == "__main__":
    main()
