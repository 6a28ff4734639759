"""``/rps/*``: the legacy's four reads at their old addresses."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from caravan.commerce.reading import READERS
from caravan.core.http import api_router, guard, state_of
from caravan.core.http.errors import ErrorShape
from caravan.core.http.streams import CsvStream
from caravan.core.principal import Principal
from caravan.legacy.rps.answers import CustomersAnswer, OrderAnswer, OrdersAnswer, TransactionsAnswer
from caravan.legacy.rps.errors import error_shape
from caravan.legacy.rps.parameters import OPENAPI, list_parameters
from caravan.legacy.rps.queries import ListName, csv_export, order_body, page_body

__all__ = ["error_shapes", "router", "routers"]

router = api_router("rps", prefix="/rps")

_WORDS: Final[Mapping[ListName, str | None]] = {
    "orders": "state",
    "customers": None,
    "transactions": "processor",
}


def _documented(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    return {200: {"model": model, "content": {"text/csv": {"schema": {"type": "string"}}}}}


def _with(name: str) -> dict[str, Any]:
    """Return the shared parameters and the one that only this list has."""
    own = {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}
    return {"parameters": [*OPENAPI["parameters"], own]}


@router.get(
    "/orders",
    operation_id="rpsListOrders",
    response_model=None,
    responses=_documented(OrdersAnswer),
    openapi_extra=_with("state"),
)
async def list_orders(request: Request, caller: Principal = guard(*READERS)) -> Response:
    """List orders as the legacy did, or send all that match as CSV."""
    return await _list(request, caller, "orders")


@router.get(
    "/customers",
    operation_id="rpsListCustomers",
    response_model=None,
    responses=_documented(CustomersAnswer),
    openapi_extra=OPENAPI,
)
async def list_customers(request: Request, caller: Principal = guard(*READERS)) -> Response:
    """List customers as the legacy did, or send all that match as CSV."""
    return await _list(request, caller, "customers")


@router.get(
    "/transactions",
    operation_id="rpsListTransactions",
    response_model=None,
    responses=_documented(TransactionsAnswer),
    openapi_extra=_with("processor"),
)
async def list_transactions(request: Request, caller: Principal = guard(*READERS)) -> Response:
    """List transactions as the legacy did, or send all that match as CSV."""
    return await _list(request, caller, "transactions")


@router.get(
    "/orders/{order_id}",
    operation_id="rpsGetOrder",
    response_model=None,
    responses={200: {"model": OrderAnswer}},
)
async def get_order(request: Request, order_id: str, caller: Principal = guard(*READERS)) -> Response:
    """Return an order with every column the legacy had, its lines, transactions, tracking, addresses and customer."""
    body = await order_body(state_of(request.app).database, caller, order_id)
    return Response(body, media_type="application/json")


async def _list(request: Request, caller: Principal, name: ListName) -> Response:
    asked = list_parameters(request, _WORDS[name])
    database = state_of(request.app).database
    if not asked.csv:
        return Response(await page_body(database, caller, name, asked), media_type="application/json")
    export = await csv_export(database, caller, name, asked)
    return CsvStream(database, export.org, export.statement, *export.arguments, filename=f"{name}.csv")


def routers() -> list[APIRouter]:
    """Return the bridge's routers."""
    return [router]


def error_shapes() -> dict[str, ErrorShape]:
    """Return how the bridge tells errors, by path prefix."""
    return {"/rps": error_shape}
