"""The new shop: FastAPI on PostgreSQL. ``SHOP_DATABASE=postgresql://… SHOP_ORG=… uvicorn new_shop:app``.

It answers what the old one answered. It knows nothing of Caravan: the organisation is a tenant of its own tables.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import asyncpg
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

ZONE = ZoneInfo("Africa/Algiers")
"""Callers are shown times as the old shop showed them."""

ORG = UUID(os.environ.get("SHOP_ORG", "00000000-0000-0000-0000-000000000001"))
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"


class Line(BaseModel):
    sku: str
    quantity: int


class NewOrder(BaseModel):
    reference: str
    customer: str
    lines: list[Line]


class NewPayment(BaseModel):
    reference: str
    amount: Decimal


class RefusedError(Exception):
    """What the shop will not do, with its status."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


@asynccontextmanager
async def _connected(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["SHOP_DATABASE"], min_size=2, max_size=8) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_connected, openapi_url=None)


@asynccontextmanager
async def _transaction(request: Request) -> AsyncIterator[Connection]:
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        yield connection


@app.exception_handler(RefusedError)
async def _refused(_request: Request, error: RefusedError) -> JSONResponse:
    return JSONResponse({"error": str(error)}, error.status)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/products")
async def products(request: Request) -> list[dict[str, Any]]:
    async with _transaction(request) as connection:
        rows = await connection.fetch(
            "SELECT sku, title, price, stock FROM market.products WHERE org_id = $1 AND listed ORDER BY sku",
            ORG,
        )
        return [{**row, "price": money(row["price"])} for row in rows]


@app.get("/orders/{number}")
async def order(request: Request, number: int) -> dict[str, Any]:
    async with _transaction(request) as connection:
        return await shown_order(connection, number)


@app.post("/orders")
async def place(request: Request, response: Response, given: NewOrder) -> dict[str, Any]:
    async with _transaction(request) as connection:
        number, made = await placed(connection, given)
        response.status_code = 201 if made else 200
        return await shown_order(connection, number)


@app.post("/orders/{number}/payments")
async def pay(request: Request, response: Response, number: int, given: NewPayment) -> dict[str, Any]:
    async with _transaction(request) as connection:
        response.status_code = 201 if await paid(connection, number, given) else 200
        return await shown_order(connection, number)


async def placed(connection: Connection, given: NewOrder) -> tuple[int, bool]:
    """Make an order, or find the one of this reference; returns its number and whether it was made."""
    made = uuid4()
    number = await connection.fetchval(
        "INSERT INTO market.orders (org_id, id, reference, customer, total, created_at) VALUES ($1, $2, $3, $4, 0, $5)"
        " ON CONFLICT (org_id, reference) DO NOTHING RETURNING number",
        *(ORG, made, given.reference, given.customer, now()),
    )
    if number is None:
        return await _number_of(connection, given.reference), False
    total = Decimal(0)
    for position, line in enumerate(sorted(given.lines, key=lambda each: each.sku), start=1):
        product = await connection.fetchrow(
            "UPDATE market.products SET stock = stock - $1 WHERE org_id = $2 AND sku = $3 AND stock >= $1 RETURNING id, price",
            *(line.quantity, ORG, line.sku),
        )
        if product is None:
            raise RefusedError(409, f"{line.sku} is sold out")
        total += line.quantity * product["price"]
        await connection.execute(
            "INSERT INTO market.order_lines (org_id, id, order_id, position, product_id, quantity, price)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            *(ORG, uuid4(), made, position, product["id"], line.quantity, product["price"]),
        )
    await connection.execute(
        "UPDATE market.orders SET total = $1 WHERE org_id = $2 AND id = $3", total, ORG, made
    )
    return int(number), True


async def paid(connection: Connection, number: int, given: NewPayment) -> bool:
    """Take a payment, unless the one of this reference is there."""
    found = await connection.fetchrow(
        "SELECT id FROM market.orders WHERE org_id = $1 AND number = $2 FOR UPDATE", ORG, number
    )
    if found is None:
        raise RefusedError(404, f"there is no order {number}")
    made = await connection.fetchval(
        "INSERT INTO market.payments (org_id, id, order_id, reference, amount, paid_at) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (org_id, reference) DO NOTHING RETURNING id",
        *(ORG, uuid4(), found["id"], given.reference, given.amount, now()),
    )
    if made is None:
        return False
    await connection.execute(
        "UPDATE market.orders SET state = 'paid' WHERE org_id = $1 AND id = $2"
        " AND total <= (SELECT sum(amount) FROM market.payments p WHERE p.org_id = $1 AND p.order_id = $2)",
        *(ORG, found["id"]),
    )
    return True


async def shown_order(connection: Connection, number: int) -> dict[str, Any]:
    """Return an order as callers see it."""
    found = await connection.fetchrow(
        "SELECT id, number, reference, customer, state, total, created_at FROM market.orders"
        " WHERE org_id = $1 AND number = $2",
        *(ORG, number),
    )
    if found is None:
        raise RefusedError(404, f"there is no order {number}")
    lines = await connection.fetch(
        "SELECT p.sku, l.quantity, l.price FROM market.order_lines l"
        " JOIN market.products p ON p.org_id = l.org_id AND p.id = l.product_id"
        " WHERE l.org_id = $1 AND l.order_id = $2 ORDER BY l.position",
        *(ORG, found["id"]),
    )
    payments = await connection.fetch(
        "SELECT reference, amount FROM market.payments WHERE org_id = $1 AND order_id = $2 ORDER BY reference",
        *(ORG, found["id"]),
    )
    return {
        "number": found["number"],
        "reference": found["reference"],
        "customer": found["customer"],
        "state": found["state"],
        "total": money(found["total"]),
        "created_at": found["created_at"].astimezone(ZONE).isoformat(timespec="microseconds"),
        "lines": [{**line, "price": money(line["price"])} for line in lines],
        "payments": [{**payment, "amount": money(payment["amount"])} for payment in payments],
    }


def money(value: Decimal) -> str:
    """Return an amount with the two digits of the old shop."""
    return f"{value:.2f}"


def now() -> datetime:
    """Return the time to the millisecond: as fine as each of the old stores keeps it."""
    found = datetime.now(UTC)
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


async def _number_of(connection: Connection, reference: str) -> int:
    number = await connection.fetchval(
        "SELECT number FROM market.orders WHERE org_id = $1 AND reference = $2", ORG, reference
    )
    return int(number)
