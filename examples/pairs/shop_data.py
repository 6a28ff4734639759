"""What the Python shops sell, and the orders: lines of the file that SHOP_DATA names."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

FILE = Path(os.environ.get("SHOP_DATA", "orders.jsonl"))
ITEMS: list[dict[str, Any]] = [
    {
        "id": number,
        "name": f"Item {number}",
        "price_cents": 215 + 35 * number,
        "tags": ["shop", "even" if number % 2 else "odd"],
        "listed_at": f"2025-03-{number:02}T09:00:00Z",
    }
    for number in range(1, 13)
]
_known: tuple[int, list[dict[str, Any]]] = (-1, [])


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def orders() -> list[dict[str, Any]]:
    """Return all orders; the file is read again when it has grown."""
    global _known  # noqa: PLW0603 - a cache of one file
    size = FILE.stat().st_size if FILE.exists() else 0
    if size != _known[0]:
        lines = FILE.read_text(encoding="utf-8").splitlines() if size else []
        _known = size, [json.loads(line) for line in lines]
    return _known[1]


def order(item: object, quantity: object) -> dict[str, Any] | None:
    """Write an order down; None for what cannot be ordered."""
    found = next((each for each in ITEMS if each["id"] == item), None)
    if found is None or not isinstance(quantity, int) or quantity < 1:
        return None
    made = {
        "id": str(uuid4()),
        "item": item,
        "quantity": quantity,
        "total_cents": found["price_cents"] * quantity,
        "created_at": now(),
    }
    with FILE.open("a", encoding="utf-8") as file:
        file.write(json.dumps(made) + "\n")
    return made


def page(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"items": rows, "count": len(rows), "request_id": str(uuid4()), "served_at": now()}


def find(rows: list[dict[str, Any]], identity: str) -> dict[str, Any] | None:
    return next((each for each in rows if str(each["id"]) == identity), None)
