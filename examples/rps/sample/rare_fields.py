"""The columns of an order that few orders ever had, so that each of them is carried at least a few times."""

from datetime import timedelta
from typing import Any

from bson import DBRef

from examples.rps.sample.payments import payment_keys
from examples.rps.sample.sales import Order
from examples.rps.sample.storage import DATABASE, Storage

__all__ = ["rare_fields"]


def rare_fields(storage: Storage, order: Order) -> dict[str, Any]:
    fields = _texts(order) | _amounts(storage, order) | _counts(storage) | _dates(storage, order)
    fields["transactions"] = [DBRef("transactions", key, DATABASE) for key in payment_keys(order)]
    fields["history"] = [{"at": order.created, "from": "new", "to": order.state, "by": "system"}]
    fields["notes"] = [{"at": order.created, "text": "call before delivery — اتصل قبل التسليم"}]
    fields["_doctrine_class_name"] = "RPS\\Model\\Order"
    return fields


def _texts(order: Order) -> dict[str, Any]:
    return {
        "localeType": "ar_DZ",
        "descriptor": "CARAVAN SHOP",
        "siteTheme": "oasis",
        "purchaseType": "web",
        "displayType": "standard",
        "shipmentType": "ground",
        "redemptionCode": f"RD{order.index:06}",
        "riskSource": "rules",
        "fulfillmentState": "sent",
        "externalFulfillmentId": f"F-{order.index}",
        "externalOrderNumber": 900_000 + order.index,
        "subscriptionId": f"sub_{order.index}",
        "paymentPageId": "page-2",
    }


def _amounts(storage: Storage, order: Order) -> dict[str, Any]:
    return {
        "baseAmount": storage.money(order.net, 2),
        "refundRequest": storage.money(order.shipping, 2),
        "taxRefundAmount": storage.money(order.shipping / 5),
        "shippingRefund": storage.money(order.shipping, 2),
        "quantityRefunded": 0,
        "weight": storage.random.randrange(100, 9000) / 1000,
        "riskScore": storage.random.randrange(1000) / 1000,
    }


def _counts(storage: Storage) -> dict[str, Any]:
    flags = ("returned", "salesCheck", "chargedBack", "redeemed", "shippingRefundRequest", "representment")
    return {name: storage.flag(storage.chance(0.2)) for name in flags} | {
        "splitCount": 2,
        "shippingPriority": 1,
        "installmentPayments": 3,
        "timeoutSeconds": 900,
        "canShipPartial": storage.switch(value=True),
        "trackingEmailSent": storage.switch(value=True),
    }


def _dates(storage: Storage, order: Order) -> dict[str, Any]:
    names = ("transactionDate", "fulfillmentDate", "transitDate", "rmaDate", "blacklistDate", "lastRefundDate",
             "redemptionDate", "emailSentDate", "trackingEmailSentDate")  # fmt: skip
    moments = {name: order.created + timedelta(hours=hour) for hour, name in enumerate(names, start=1)}
    return {
        name: storage.odd_date(moment) if storage.chance(0.3) else moment for name, moment in moments.items()
    }
