"""Products, promotions and affiliates of an invented shop for caravan outfits."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from bson import Int64, ObjectId
from bson.binary import Binary

from examples.rps.sample.storage import Storage

__all__ = ["Catalogue", "Product", "Promo"]

OPENED: Final = datetime(2024, 1, 1, 8, 0, tzinfo=UTC)

_MATERIALS: Final = (
    "BRASS",
    "WOOLLEN",
    "CLAY",
    "PALM LEAF",
    "INDIGO",
    "CEDAR",
    "COPPER",
    "LINEN",
    "SALT",
    "OLIVE WOOD",
)
_THINGS: Final = (
    "CAMEL BELL", "SADDLE BAG", "TEA GLASS", "LANTERN", "WATER JAR", "TENT PEG", "SPICE BOX", "CARPET", "COMPASS",
    "DATE BOWL", "BLANKET", "COFFEE POT", "ROPE", "STAR CHART", "DRUM", "INK SET", "SCARF", "LADLE", "STOOL", "FLASK",
)  # fmt: skip
_SIZES: Final = ("", " SMALL", " LARGE", " SET OF 4")
_PLACES: Final = ("Wahat", "Qasr", "Tell Noor", "Portside", "Northgate")
_NAMES: Final = ("Oasis", "Dune", "Harbour", "Lantern", "Meridian", "Saffron", "Zephyr", "Atlas", "Indigo", "Juniper",
                 "Kestrel", "Lodestar")  # fmt: skip
_PROMOS: Final = (("WELCOME10", 10), ("SPRING15", 15), ("VIP20", 20), ("FREESHIP", 0), ("BULK5", 5))


@dataclass(frozen=True, slots=True)
class Product:
    key: ObjectId
    sku: str
    name: str
    price: Decimal
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Promo:
    code: str
    name: str
    percent: int
    document: dict[str, Any]


class Catalogue:
    def __init__(self, seed: str, products: int) -> None:
        self.products = list(_products(Storage(Random(f"{seed}:products")), products))
        self.promos = list(_promos(Storage(Random(f"{seed}:promos"))))
        self.affiliates = list(_affiliates(Storage(Random(f"{seed}:affiliates"))))
        self.affiliate_keys = [affiliate["_id"] for affiliate in self.affiliates]


def _products(storage: Storage, count: int) -> Iterator[Product]:
    random = storage.random
    earlier: list[ObjectId] = []
    for index in range(count):
        material = _MATERIALS[index % len(_MATERIALS)]
        thing = _THINGS[index // len(_MATERIALS) % len(_THINGS)]
        size = _SIZES[index // (len(_MATERIALS) * len(_THINGS)) % len(_SIZES)]
        name, sku = f"{material} {thing}{size}", f"CV{10000 + index}"
        price = Decimal(random.choice([42, 85, 125, 165, 210, 295, 375, 495, 795, 995, 1275, 2400])) / 100
        document: dict[str, Any] = {
            "_id": storage.key(),
            "code": str(uuid.UUID(bytes=random.randbytes(16))),
            "sku": sku,
            "name": None if storage.chance(0.04) else name,
            "state": random.choice(["active", "active", "active", "in-active", "out-of-stock"]),
            "cost": storage.money(price * Decimal("0.6"), None),
            "isTaxable": storage.switch(random.random() < 0.9),
            "weight": random.randrange(100, 5000) / 1000,
            "attributes": [{"name": "origin", "value": random.choice(_PLACES)}],
            "createdAt": OPENED + timedelta(minutes=index),
        }
        if storage.chance(0.08):
            document |= _described(storage, sku, name, earlier)
        earlier.append(document["_id"])
        yield Product(document["_id"], sku, name, price, document)


def _described(storage: Storage, sku: str, name: str, earlier: list[ObjectId]) -> dict[str, Any]:
    """Return the fields few products have."""
    described: dict[str, Any] = {
        "description": f"{name.title()}, made to be carried far. مصنوع للسفر",
        "descriptor": f"CARAVAN*{sku}",
        "urlKey": name.lower().replace(" ", "-"),
        "isDiscount": storage.switch(value=False),
        "isRedeemable": storage.switch(value=True),
        "media": storage.listed([{"kind": "image", "path": f"/media/{sku}.jpg"}]),
        "cms": {"blocks": [{"id": "intro", "html": "<p>Packed by hand.</p>"}]},
        "crossBanner": "banner-1",
        "modifiedAt": storage.odd_date(OPENED + timedelta(days=30)),
    }
    if earlier:
        described["crossProduct"] = storage.reference("products", storage.random.choice(earlier))
    return described


def _promos(storage: Storage) -> Iterator[Promo]:
    """Every kind of id an object mapper of those years could give."""
    keys: list[object] = [
        storage.key(),
        2,
        "VIP20",
        Binary(storage.random.randbytes(16), 4),
        Binary(storage.random.randbytes(16), 3),
    ]
    for key, (code, percent) in zip(keys, _PROMOS, strict=True):
        name = code.capitalize()
        meta = {"percent": percent, "stackable": storage.chance(0.5)}
        yield Promo(code, name, percent, {"_id": key, "code": code, "name": name, "meta": meta})


def _affiliates(storage: Storage) -> Iterator[dict[str, Any]]:
    odd: dict[int, object] = {
        3: 41,
        6: Int64(2**33),
        9: "k3xw9q",
        11: Binary(storage.random.randbytes(16), 4),
    }
    for index, name in enumerate(_NAMES):
        state = storage.random.choice(["active", "active", "suspended"])
        yield {
            "_id": odd.get(index, storage.key()),
            "code": f"AFF{index:03}",
            "name": f"{name} Media",
            "state": state,
        }
