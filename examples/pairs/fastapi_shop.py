"""The same miniature shop in FastAPI, the new side: python fastapi_shop.py PORT. It has defects that can be switched on."""

import asyncio
import os
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from shop_data import ITEMS, find, order, orders, page

app = FastAPI()
_kind, _, _share = os.environ.get("SHOP_DEFECT", "none").partition(":")
defect: dict[str, Any] = {"kind": _kind, "share": float(_share or 1)}
_asked = count()


def _is_hit() -> bool:
    """Every so many requests, evenly: with a share of 0.2 each fifth."""
    number, share = next(_asked), float(defect["share"])
    return int(number * share) != int((number + 1) * share)


async def answer(status: int, body: dict[str, Any]) -> JSONResponse:
    if defect["kind"] != "none" and _is_hit():
        status, body = await _spoilt(str(defect["kind"]), status, body)
    return JSONResponse(body, status)


async def _spoilt(kind: str, status: int, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    if kind == "error":
        return 500, {"error": "broken"}
    if kind == "slow":
        await asyncio.sleep(0.2)
        return status, body
    kinds: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "value": lambda row: {**row, "price_cents": row["price_cents"] + 1},
        "type": lambda row: {**row, "price_cents": str(row["price_cents"])},
        "missing": lambda row: {name: value for name, value in row.items() if name != "price_cents"},
    }
    spoil = kinds[kind]
    if "price_cents" in body:
        return status, spoil(body)
    if body.get("items") and "price_cents" in body["items"][0]:
        return status, {**body, "items": [spoil(row) for row in body["items"]]}
    return status, body


@app.post("/_defects")
async def switch(request: Request) -> dict[str, Any]:
    defect.update(await request.json())
    return defect


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/items")
async def items() -> JSONResponse:
    return await answer(200, page(ITEMS))


@app.get("/orders")
async def first_orders() -> JSONResponse:
    return await answer(200, page(orders()[:5]))


@app.post("/orders")
async def make_order(request: Request) -> JSONResponse:
    wanted = await request.json()
    made = order(wanted.get("item"), wanted.get("quantity"))
    return await answer(201, made) if made else await answer(422, {"error": "no such item"})


@app.get("/{kind}/{identity}")
async def one(kind: str, identity: str) -> JSONResponse:
    rows = {"items": ITEMS, "orders": orders()}.get(kind, [])
    found = find(rows, identity)
    return await answer(200, found) if found else await answer(404, {"error": "not found"})


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 5003
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)
