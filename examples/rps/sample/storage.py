"""How one value came to lie in MongoDB in several types over the years, as the sheet of storage quirks has it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any, Final

from bson import DBRef, Decimal128, Int64, ObjectId, Timestamp

__all__ = ["Storage", "exact"]

DATABASE: Final = "rps"


def exact(value: object) -> Decimal:
    """Return the amount a stored value stands for; a double is read by its shortest form."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(str(value))


class Storage:
    """Stores values; which type it takes is drawn from ``random``."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def key(self) -> ObjectId:
        return ObjectId(self.random.randbytes(12))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def money(self, value: Decimal, places: int | None = 4) -> object:
        """Store as double, Decimal128, text or, where it is whole, int; ``places`` None keeps the digits as they are."""
        draw = self.random.random()
        if value == value.to_integral_value() and draw < 0.08:
            return int(value)
        if draw < 0.75:
            return float(value)
        text = str(value) if places is None else f"{value:.{places}f}"
        return Decimal128(text) if draw < 0.875 else text

    def flag(self, value: bool) -> object:
        draw = self.random.random()
        forms: tuple[object, ...] = (int(value), str(int(value)), float(value), Int64(value))
        return (
            value
            if draw < 0.6
            else forms[0]
            if draw < 0.79
            else forms[1]
            if draw < 0.98
            else forms[2 + (draw < 0.99)]
        )

    def switch(self, value: bool) -> object:
        """Store a boolean: never as a double."""
        return self.random.choice([value, value, value, int(value), str(int(value))])

    def reference(self, collection: str, key: object) -> object:
        draw = self.random.random()
        if draw < 0.2:
            return key
        return DBRef(collection, key, DATABASE) if draw < 0.7 else DBRef(collection, key)

    def odd_reference(self, collection: str, key: ObjectId) -> object:
        """Store a reference in one of the rarer forms of the object mapper."""
        discriminated: Any = {"_doctrine_class_name": "RPS\\Model\\Customer"}
        return self.random.choice(
            [{"id": key}, str(key), DBRef(collection, key, None, discriminated), {"id": str(key)}]
        )

    def listed(self, values: Sequence[object]) -> object:
        """Store a list, now and then as an object with numeric keys, gaps included."""
        if not self.chance(0.07):
            return list(values)
        step = self.random.choice([1, 1, 2])
        return {str(index * step): value for index, value in enumerate(values)}

    def odd_date(self, moment: datetime) -> object:
        """Store a moment, whole seconds in UTC, as anything but a date."""
        seconds = int(moment.timestamp())
        return self.random.choice(
            [
                seconds,
                Int64(seconds),
                Timestamp(seconds, 1),
                moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S+00:00"),
            ]
        )
