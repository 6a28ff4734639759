"""``/api/v1/orders``: list and detail."""

from typing import Any, Final
from uuid import UUID

from fastapi import Request, Response

from caravan.commerce.orders.queries import order_of, orders_page
from caravan.commerce.orders.schemas import OrderDetail, OrderQuery, OrderRow
from caravan.commerce.reading import READERS
from caravan.core.http import Envelope, Page, api_router, guard, state_of
from caravan.core.http.read_models import QueryReader, detail_answer, page_answer, query_parameters
from caravan.core.paging import CursorError
from caravan.core.principal import NotFoundError, Principal

__all__ = ["router"]

router = api_router("orders", prefix="/api/v1/orders", errors=(CursorError, NotFoundError))

_PAGE: Final[dict[int | str, dict[str, Any]]] = {200: {"model": Page[OrderRow]}}
_ONE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": Envelope[OrderDetail]},
    304: {"description": "The caller has this version: the ETag is in If-None-Match."},
}
_asked: Final = QueryReader(OrderQuery)


@router.get(
    "",
    operation_id="listOrders",
    response_model=None,
    responses=_PAGE,
    openapi_extra=query_parameters(OrderQuery),
)
async def list_orders(request: Request, caller: Principal = guard(*READERS)) -> Response:
    """List the orders of the caller's organisation, by default the newest first."""
    return page_answer(request, await orders_page(state_of(request.app).database, caller, _asked(request)))


@router.get("/{order_id}", operation_id="getOrder", response_model=None, responses=_ONE)
async def get_order(request: Request, order_id: UUID, caller: Principal = guard(*READERS)) -> Response:
    """Return an order of the caller's organisation with what belongs to it."""
    return detail_answer(request, await order_of(state_of(request.app).database, caller, order_id))
