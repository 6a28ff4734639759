"""What the demonstrations ask of the old shop's store on MongoDB: as ``stores`` does of the one on MariaDB."""

from typing import Any

from bson.decimal128 import Decimal128
from pymongo import MongoClient

from examples.market.stores import PRODUCTS, STOCK, Held

__all__ = ["document_holds", "make_documents"]


def make_documents(url: str, stock: int = STOCK) -> None:
    """Make the products, and what finds orders and payments by their reference."""
    with _opened(url) as client:
        store = client.get_default_database()
        store["products"].insert_many(
            {
                "_id": number,
                "sku": sku,
                "title": title,
                "price": Decimal128(price),
                "stock": stock,
                "listed": True,
            }
            for number, (sku, (title, price)) in enumerate(PRODUCTS.items(), start=1)
        )
        for name in ("orders", "payments"):
            store[name].create_index("reference", unique=True)
        store["orders"].create_index("number", unique=True)
        store["payments"].create_index("order_id")


def document_holds(url: str) -> Held:
    """Return what the store holds."""
    with _opened(url) as client:
        store = client.get_default_database()
        orders: dict[Any, dict[str, Any]] = {}
        references = {}
        for order in store["orders"].find({}, {"number": 1, "reference": 1, "total": 1}):
            references[order["_id"]] = order["reference"]
            orders[order["_id"]] = {
                "number": order["number"],
                "total": order["total"].to_decimal(),
                "payments": {},
            }
        for payment in store["payments"].find({}):
            orders[payment["order_id"]]["payments"][payment["reference"]] = payment["amount"].to_decimal()
        stock = {
            product["sku"]: product["stock"] for product in store["products"].find({}, {"sku": 1, "stock": 1})
        }
    return {references[number]: order for number, order in orders.items()}, stock


def _opened(url: str) -> "MongoClient[dict[str, Any]]":
    return MongoClient(url, tz_aware=True, appname="market")
