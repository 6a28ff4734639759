"""Customers, all invented: reserved mail domain, fictional telephone numbers, streets of nowhere."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from bson import ObjectId

from examples.rps.sample.catalogue import OPENED
from examples.rps.sample.storage import Storage

__all__ = ["Customer", "customer"]

_FIRST: Final = ("Amira", "Bilal", "Clara", "Dawud", "Elif", "Farid", "Greta", "Hana", "Idris", "Jonas", "Karima", "Leo",
                 "Mona", "Nils", "Olga", "Petra", "Qasim", "Rania", "Said", "Tara", "ليلى", "يوسف")  # fmt: skip
_LAST: Final = ("Alder", "Bensalem", "Castor", "Darwish", "Ebner", "Fontana", "Ghazali", "Holm", "Issa", "Jansen",
                "Khoury", "Lindqvist", "Mourad", "Novak", "Ortega", "الصالح")  # fmt: skip
_CITIES: Final = (("Northgate", "United Kingdom"), ("Portside", "United Kingdom"), ("Wahat", "Algeria"),
                  ("Tell Noor", "Jordan"), ("Lindau", "Germany"), ("Arles", "France"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Customer:
    key: ObjectId
    email: str
    address: dict[str, Any]
    document: dict[str, Any]


def customer(seed: str, index: int) -> Customer:
    """Return the customer of this number; the same seed always gives the same one."""
    storage = Storage(Random(f"{seed}:customer:{index}"))
    random = storage.random
    key, first, last = storage.key(), random.choice(_FIRST), random.choice(_LAST)
    city, country = random.choice(_CITIES)
    address: dict[str, Any] = {
        "name": f"{first} {last}",
        "line1": f"{random.randrange(1, 200)} Caravan Road",
        "city": city,
        "postalCode": str(random.randrange(10000, 99999)),
        "country": country,
    }
    if storage.chance(0.05):
        address |= {"line2": "Gate 2", "region": "East", "phone": _phone(random)}
    email = f"customer.{index}@example.com"
    created = OPENED + timedelta(minutes=random.randrange(0, 400_000))
    document: dict[str, Any] = {
        "_id": key,
        "firstName": first,
        "lastName": last,
        "email": email,
        "createdAt": created,
        "modifiedAt": _modified(storage, created),
        "addresses": storage.listed([{"kind": "billing", **address}]),
    }
    if not storage.chance(0.15):
        document["phone"] = None if storage.chance(0.18) else _phone(random)
    if storage.chance(0.02):
        document |= {
            "_doctrine_class_name": "RPS\\Model\\LoyalCustomer",
            "loyaltyTier": random.choice(["gold", "silver"]),
        }
    return Customer(key, email, address, document)


def _modified(storage: Storage, created: datetime) -> object:
    moment = created + timedelta(days=20)
    return storage.odd_date(moment) if storage.chance(0.02) else moment


def _phone(random: Random) -> str:
    return f"+447700900{random.randrange(0, 1000):03}"
