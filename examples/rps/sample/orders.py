"""Orders as documents, in every form the object mapper left behind."""

from datetime import timedelta
from random import Random
from typing import Any, Final

from bson import DBRef, ObjectId

from examples.rps.sample.faults import FIELDS, planted_value
from examples.rps.sample.rare_fields import rare_fields
from examples.rps.sample.sales import Line, Order, Shop
from examples.rps.sample.storage import DATABASE, Storage

__all__ = ["order_document"]

_CARRIERS: Final = ("dhl", "ups", "royalmail")
_SENT: Final = frozenset({"complete", "shipped"})


def order_document(shop: Shop, order: Order) -> dict[str, Any]:
    storage = Storage(Random(f"{shop.seed}:stored:{order.index}"))
    document = _core(storage, order)
    document |= _tracing(storage)
    document |= _buyer(storage, order)
    if order.refund:
        document["refundAmount"] = storage.money(-order.amount, 2)
    document |= _promotion(storage, order)
    document |= _delivery(storage, order)
    document |= _affiliate(storage, shop, order)
    if storage.chance(0.03):
        document |= rare_fields(storage, order)
    if storage.chance(0.025):
        document["legacyFlagX"] = {"a": 1, "note": "left by an older release"}
    if order.fault:
        _plant(document, order, storage)
    return document


def _core(storage: Storage, order: Order) -> dict[str, Any]:
    number: str | int = order.number
    modified = order.created + timedelta(hours=storage.random.randrange(1, 72))
    return {
        "_id": order.key,
        "orderNumber": int(number) if not order.refund and storage.chance(0.05) else number,
        "token": storage.random.randbytes(12).hex(),
        "currency": "GBP",
        "state": order.state,
        "type": "refund" if order.refund else "sale",
        "amount": storage.money(order.amount, 2),
        "taxAmount": storage.money(order.tax),
        "shippingAmount": storage.money(order.shipping, None),
        "discountAmount": storage.money(order.discount, None if not order.discount else 4),
        "totalAmount": storage.money(order.total),
        "quantity": sum(line.quantity for line in order.lines) * (-1 if order.refund else 1),
        "shipped": storage.flag(order.state in _SENT),
        "emailSent": storage.switch(value=True),
        "isContinuity": storage.switch(value=False),
        "createdAt": order.created,
        "modifiedAt": storage.odd_date(modified) if storage.chance(0.02) else modified,
        "items": storage.listed([_item(storage, line, refund=order.refund) for line in order.lines]),
    }


def _item(storage: Storage, line: Line, *, refund: bool) -> dict[str, Any]:
    item: dict[str, Any] = {
        "sku": line.product.sku,
        "name": line.product.name,
        "qtyOrdered": 0 if refund else line.quantity,
        "qtyRefunded": line.quantity if refund else 0,
        "price": storage.money(line.price, None),
        "amount": storage.money(line.amount, 2),
        "product": storage.reference("products", line.product.key),
    }
    if storage.chance(0.67):
        item["_id"] = storage.key()
    if storage.chance(0.01):
        item |= {
            "description": "packed twice",
            "qtyPendingRefund": storage.money(line.price * 0, None),
            "refundAmount": storage.money(line.amount * 0, 2),
            "weight": 0.25,
            "warehouseId": "W2",
            "doNotShip": storage.switch(value=False),
            "_doctrine_class_name": "RPS\\Model\\OrderItem",
        }
    return item


def _tracing(storage: Storage) -> dict[str, Any]:
    random = storage.random
    geo: dict[str, Any] = {
        "ip": f"10.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(256)}"
    }
    geo["country"] = random.choice(["United Kingdom", "Algeria", "Jordan", "Germany", "France"])
    if storage.chance(0.1):
        geo |= {
            "region": "East",
            "city": "Portside",
            "lat": 51.5 + random.randrange(100) / 1000,
            "long": -0.125,
        }
    return {
        "geo": geo,
        "source": {"campaign": f"c{random.randrange(9)}", "c1": f"s{random.randrange(40)}"},
        "origin": {"referrer": "https://example.org/", "landing": "/"},
    }


def _buyer(storage: Storage, order: Order) -> dict[str, Any]:
    """Return the buyer; a guest has null or nothing."""
    customer = order.customer
    if customer is None:
        return {"customer": None} if storage.chance(0.5) else {}
    odd = storage.chance(0.02)
    buyer: dict[str, Any] = {
        "customer": storage.odd_reference("customers", customer.key)
        if odd
        else storage.reference("customers", customer.key),
        "email": customer.email,
        "billingAddress": dict(customer.address),
    }
    if storage.chance(0.67):
        buyer["shippingAddress"] = dict(customer.address)
    return buyer


def _promotion(storage: Storage, order: Order) -> dict[str, Any]:
    if (promo := order.promo) is None:
        return {"promotions": []} if storage.chance(0.02) else {}
    applied = {"code": promo.code, "name": promo.name, "amount": storage.money(order.discount)}
    return {"promotions": storage.listed([applied]), "discountCode": promo.code}


def _delivery(storage: Storage, order: Order) -> dict[str, Any]:
    if order.state not in _SENT:
        return {"deliveryDate": None} if storage.chance(0.05) else {}
    code = f"TRK{storage.random.randrange(10**9):09}"
    return {
        "trackingNumbers": storage.listed([{"type": storage.random.choice(_CARRIERS), "code": code}]),
        "deliveryDate": order.created + timedelta(days=3),
    }


def _affiliate(storage: Storage, shop: Shop, order: Order) -> dict[str, Any]:
    if order.refund or not storage.chance(0.18):
        return {}
    random = storage.random
    tour: object = f"t{random.randrange(999)}"
    tracking: object = random.randbytes(16).hex()
    if storage.chance(0.03):
        tour, tracking = DBRef("affiliateTours", ObjectId(random.randbytes(12)), DATABASE), storage.key()
    return {
        "affiliate": storage.reference("affiliates", random.choice(shop.catalogue.affiliate_keys)),
        "affiliateTourId": tour,
        "conversionTrackingId": tracking,
        "affiliatePayout": storage.money(order.net / 20),
    }


def _plant(document: dict[str, Any], order: Order, storage: Storage) -> None:
    """Put the order's fault into its document."""
    value = planted_value(order.fault, order.fault_number)
    if order.fault == "reference.missing":
        value = storage.reference("customers", storage.key())
    elif order.fault == "number.repeated":
        value = order.number if value is str else int(order.number)
    document[FIELDS[order.fault]] = value
