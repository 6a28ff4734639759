"""Traffic of two services of ours, asked for real: RPS through the API, and the deduper's queue in Flask."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from caravan.core.ids import uuid7
from caravan.migration.contract.checking import Asked, http_asker
from caravan.migration.exchange import Answer, Body, Exchange, Request

__all__ = ["DEDUPER_ROUTES", "RPS_ROUTES", "deduper_requests", "recorded", "rps_requests"]

RPS_ROUTES: Final = (
    "GET /rps/orders",
    "GET /rps/orders/{order_id}",
    "GET /rps/customers",
    "GET /rps/transactions",
)
DEDUPER_ROUTES: Final = (
    "GET /",
    "GET /test",
    "POST /test",
    "GET /deduper/jobs",
    "GET /deduper/jobs/reportId/{report_id}",
    "GET /deduper/jobs/{job_id}",
    "POST /deduper/jobs/{job_id}/cancel",
    "GET /deduper/jobs/list",
    "GET /deduper/health",
    "DELETE /deduper/clear-db-table",
)
_JSON: Final = (("Content-Type", "application/json"),)
_NOISE: Final = ("/wp-login.php", "/.env", "/admin", "/favicon.ico", "/api/v9/users/12", "/robots.txt")


def rps_requests(orders: Sequence[str], count: int, seed: int) -> Iterator[Asked]:
    """Yield what a portal asks: lists with filters, pages and sorts, single orders, CSV, ids of nothing, and noise."""
    chance = random.Random(seed)
    for _ in range(count):
        kind = chance.random()
        if kind < 0.35:
            yield Asked("GET", f"/rps/orders/{chance.choice(orders)}")
        elif kind < 0.38:
            yield Asked("GET", f"/rps/orders/{uuid7()}")
        elif kind < 0.4:
            yield Asked("GET", chance.choice(_NOISE))
        else:
            yield Asked("GET", _list(chance))


def _list(chance: random.Random) -> str:
    name, words, sorts = chance.choice(
        (
            ("orders", ("state", ("pending", "shipped", "")), ("created_at", "total_amount", "email")),
            ("customers", ("q", ("first1", "last22", "nobody")), ("created_at", "email")),
            ("transactions", ("processor", ("stripe", "other")), ("created_at", "amount")),
        )
    )
    query: dict[str, object] = {}
    if chance.random() < 0.8:
        query |= {"limit": chance.randrange(1, 40), "offset": chance.randrange(0, 60)}
    if chance.random() < 0.5:
        query |= {"sort": chance.choice(sorts), "dir": chance.choice(("asc", "desc"))}
    if chance.random() < 0.4:
        query[words[0]] = chance.choice(words[1])
    if chance.random() < 0.2:
        query |= {"from": "2024-01-05T00:00:00Z", "to": "2024-03-01T00:00:00Z"}
    if chance.random() < 0.05:
        query["format"] = "csv"
    return f"/rps/{name}" + (f"?{urlencode(query)}" if query else "")


def deduper_requests(count: int, seed: int) -> Iterator[Asked]:
    """Yield what the caller of the queue asks, its echo included, and noise."""
    chance = random.Random(seed)
    for _ in range(count):
        number = chance.randrange(1, 500)
        yield chance.choice(
            (
                Asked("GET", "/"),
                Asked("GET", "/test", _JSON, b'{"hello": "there", "n": %d}' % number),
                Asked("POST", "/test", _JSON, b'{"hello": "there", "n": %d}' % number),
                Asked("GET", "/test"),
                Asked("GET", "/deduper/jobs"),
                Asked("GET", f"/deduper/jobs/reportId/{number}"),
                Asked("GET", f"/deduper/jobs/{number}"),
                Asked("POST", f"/deduper/jobs/{number}/cancel"),
                Asked("GET", "/deduper/jobs/list"),
                Asked("GET", "/deduper/health"),
                Asked("DELETE", "/deduper/clear-db-table"),
                Asked(
                    "GET", chance.choice((*_NOISE, "/deduper/jobs/reportId/abc", f"/deduper/jobs/{number}/"))
                ),
            )
        )


def recorded(base: str, requests: Iterator[Asked], headers: Mapping[str, str]) -> list[Exchange]:
    """Ask them all, one after another, and return the exchanges."""
    with http_asker(base, headers=headers, timeout=30) as ask:
        return [_exchange(asked, ask(asked)) for asked in requests]


def _exchange(asked: Asked, answer: Answer) -> Exchange:
    request = Request(asked.method, asked.target, asked.headers, Body.of(asked.body))
    return Exchange(uuid7(), datetime.fromtimestamp(time.time(), UTC), request, answer, "portal")
