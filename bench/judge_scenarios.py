"""Ten planted defects and two clean routes: the answers of an old side and of a new one, request by request, from a seed."""

import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from caravan.migration.exchange import Answer, Body, Request
from caravan.migration.shadow.triple import Triple

Document = dict[str, Any]
START: Final = datetime(2026, 3, 1, tzinfo=UTC)
_OWNERS: Final = [
    str(uuid.UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128), version=4))
    for number in range(1, 51)
]


@dataclass(frozen=True)
class Plain:
    """An answer before it is written."""

    status: int
    headers: dict[str, str]
    document: Document


Defect = Callable[[Plain, int], Plain]


def stored(number: int) -> Document:
    """What is stored about one order: the same on both sides, whenever it is asked for."""
    mixed = random.Random(f"order {number}")
    return {
        "id": number,
        "owner_id": mixed.choice(_OWNERS),
        "quantity": mixed.randint(1, 9),
        "price": round(mixed.uniform(1, 500), 2),
        "note": None,
        "created_at": (START + timedelta(seconds=mixed.randint(0, 10**7))).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tags": mixed.sample(["red", "green", "blue", "new", "old", "sale"], 3),
        "lines": [
            {"sku": f"S-{mixed.randint(100, 999)}-{line}", "amount": mixed.randint(1, 20)}
            for line in range(3)
        ],
    }


def answered(number: int, noise: random.Random | None, at: datetime) -> Plain:
    """One answer; with ``noise`` it carries a fresh request id and moment, and its tags come shuffled."""
    document = stored(number)
    if noise is not None:
        document["request_id"] = str(uuid.UUID(int=noise.getrandbits(128), version=4))
        document["served_at"] = (at + timedelta(milliseconds=noise.randint(1, 900))).isoformat(
            timespec="milliseconds"
        )
        noise.shuffle(document["tags"])
    headers = {"Content-Type": "application/json", "Cache-Control": "private, max-age=60"}
    return Plain(200, headers, document)


def _changed(answer: Plain, **values: object) -> Plain:
    return Plain(answer.status, answer.headers, answer.document | values)


def _shifted(answer: Plain) -> Plain:
    moment = datetime.fromisoformat(answer.document["created_at"]) + timedelta(hours=1)
    return _changed(answer, created_at=moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _without_null(answer: Plain) -> Plain:
    kept = {name: value for name, value in answer.document.items() if value is not None}
    return Plain(answer.status, answer.headers, kept)


def _rare(answer: Plain, number: int) -> Plain:
    return _changed(answer, quantity=answer.document["quantity"] + 1) if number % 100 == 0 else answer


DEFECTS: Final[dict[str, Defect]] = {
    "value +0.01": lambda answer, _: _changed(answer, price=round(answer.document["price"] + 0.01, 2)),
    "type": lambda answer, _: _changed(answer, quantity=str(answer.document["quantity"])),
    "missing null": lambda answer, _: _without_null(answer),
    "status": lambda answer, _: Plain(203, answer.headers, answer.document),
    "swapped owner": lambda answer, number: _changed(answer, owner_id=stored(number + 1)["owner_id"]),
    "order": lambda answer, _: _changed(answer, lines=answer.document["lines"][::-1]),
    "header": lambda answer, _: Plain(
        200, answer.headers | {"Cache-Control": "public, max-age=60"}, answer.document
    ),
    "1 in 100": _rare,
    "one hour": lambda answer, _: _shifted(answer),
    "1 to 1.0": lambda answer, _: _changed(answer, quantity=float(answer.document["quantity"])),
}
PLACES: Final = {
    "value +0.01": "$.price",
    "type": "$.quantity",
    "missing null": "$.note",
    "status": "status",
    "swapped owner": "$.owner_id",
    "order": "$.lines",
    "header": "header.cache-control",
    "1 in 100": "$.quantity",
    "one hour": "$.created_at",
    "1 to 1.0": "$.quantity",
}
"""Where each defect is, as a normalised path."""


def written(answer: Plain) -> Answer:
    """Write an answer as it goes over the wire."""
    return Answer(answer.status, tuple(answer.headers.items()), Body.of(json.dumps(answer.document).encode()))


@dataclass(frozen=True)
class Scenario:
    """A route: whether it is noisy, and what the new side does wrong on it."""

    name: str
    noisy: bool
    defect: Defect | None

    def old(self, number: int, side: str) -> Plain:
        """What the old side answers; ``side`` tells one asking from another."""
        at = START + timedelta(seconds=number)
        return answered(number, random.Random(f"{self.name}/{number}/{side}") if self.noisy else None, at)

    def new(self, number: int, side: str = "new") -> Plain:
        answer = self.old(number, side)
        return self.defect(answer, number) if self.defect else answer

    def triples(self, requests: int, first: int = 1) -> Iterator[Triple]:
        """Yield so many judged requests, with the answers A, B and N."""
        for number in range(first, first + requests):
            yield Triple(
                uuid.UUID(int=number),
                START + timedelta(seconds=number),
                f"GET /{self.name}/{{id}}",
                Request("GET", f"/{self.name}/{number}"),
                written(self.old(number, "old")),
                written(self.old(number, "again")),
                written(self.new(number)),
                client=f"client {number % 7}",
            )


def scenarios(*, noisy: bool) -> list[Scenario]:
    """The ten defects, each on a route of its own, and the clean one last."""
    kind = "noisy" if noisy else "plain"
    planted = [
        Scenario(f"{kind} {name}".replace(" ", "-"), noisy, defect) for name, defect in DEFECTS.items()
    ]
    return [*planted, Scenario(f"{kind}-clean", noisy, None)]
