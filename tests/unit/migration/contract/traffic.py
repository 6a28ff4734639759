"""Made-up traffic of small services, for what is learnt from it."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from caravan.core.ids import uuid7
from caravan.migration.exchange import Answer, Body, Exchange, Headers, Request

__all__ = ["BEGAN", "asked", "deduper", "shop"]

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
_LOST = b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n"


def asked(  # noqa: PLR0913 - all that an exchange is made of
    target: str,
    value: Any = None,  # noqa: ANN401 - any JSON value, or bytes as they are
    *,
    method: str = "GET",
    status: int = 200,
    kind: str = "application/json",
    body: bytes = b"",
    headers: Headers = (),
    more: Headers = (),
    after: float = 0,
    client: str = "c1",
) -> Exchange:
    content = value if isinstance(value, bytes) else orjson.dumps(value)
    return Exchange(
        uuid7(),
        BEGAN + timedelta(seconds=after),
        Request(method, target, headers, Body.of(body)),
        Answer(status, (("Content-Type", kind), *more), Body.of(content), 0.01),
        client,
    )


def _lost(target: str, method: str = "GET") -> Exchange:
    return asked(target, _LOST, method=method, status=404, kind="text/html; charset=utf-8")


def deduper(seed: int = 1, rounds: int = 12) -> list[Exchange]:
    """A queue of jobs: every id is answered 404 by the view, unknown paths by the framework."""
    chance = random.Random(seed)  # noqa: S311 - the same every time, on purpose
    found: list[Exchange] = []
    for number in range(rounds):
        job = chance.randrange(1, 10_000)
        found += [
            asked("/", b"<html>", kind="text/html; charset=utf-8"),
            asked("/deduper/jobs", {"jobId": job, "status": "pending"}, status=201),
            asked(f"/deduper/jobs/reportId/{number}", {"jobId": job, "reportId": number, "status": "pending"}, status=201),
            asked(f"/deduper/jobs/{job}", {"error": "Job not found"}, status=404),
            asked(f"/deduper/jobs/{job}/cancel", {"error": "Job not found"}, status=404, method="POST"),
            asked("/deduper/jobs/list", {"jobs": [{"jobId": job, "status": "pending", "createdAt": "2026-01-02T03:04:05"}]}),
            asked("/deduper/health", {"status": "healthy", "jobs": {"total": number}}),
            asked("/deduper/clear-db-table", {"cleared": True, "exitCode": 0}, method="DELETE"),
            _lost("/wp-login.php"), _lost("/deduper/jobs/reportId/abc"), _lost(f"/nothing/{number}"),
        ]  # fmt: skip
    return found


def shop(seed: int = 1, rounds: int = 12) -> Iterator[Exchange]:
    """Slugs, uuids, nested resources, versions, sister resources with like envelopes."""
    chance = random.Random(seed)  # noqa: S311 - the same every time, on purpose
    slugs = ["blue-shirt", "red-hat", "green-sock", "black-shoe", "white-belt", "grey-coat"]
    for number in range(rounds):
        key = UUID(int=chance.getrandbits(128), version=4)
        slug = slugs[number % len(slugs)]
        row = {"id": str(key), "total": 1.5 * number, "state": chance.choice(["open", "paid"])}
        yield asked("/api/v2/orders", {"items": [row], "next": None})
        yield asked(
            "/api/v2/customers", {"items": [{"id": str(key), "email": f"c{number}@x.example"}], "next": None}
        )
        yield asked("/api/v2/invoices", {"items": [{"number": number, "due": "2026-01-02"}], "next": None})
        yield asked(f"/api/v2/orders/{key}", row)
        yield asked(f"/api/v2/orders/{key}/lines/{number}", {"sku": f"S{number}", "quantity": 1})
        yield asked(f"/shop/{slug}", {"slug": slug, "price": "1.50", "stock": number})
        yield asked("/shop/search?q=x", {"hits": [], "took": 3})
        yield asked(f"/pages/ORD-{1000 + number}", b"<p>", kind="text/html")
