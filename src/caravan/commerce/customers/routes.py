"""``/api/v1/customers``: list and detail."""

from typing import Any, Final
from uuid import UUID

from fastapi import Request, Response

from caravan.commerce.customers.queries import customer_of, customers_page
from caravan.commerce.customers.schemas import CustomerDetail, CustomerQuery, CustomerRow
from caravan.commerce.reading import READERS
from caravan.core.http import Envelope, Page, api_router, guard, state_of
from caravan.core.http.read_models import QueryReader, detail_answer, page_answer, query_parameters
from caravan.core.paging import CursorError
from caravan.core.principal import NotFoundError, Principal

__all__ = ["router"]

router = api_router("customers", prefix="/api/v1/customers", errors=(CursorError, NotFoundError))

_PAGE: Final[dict[int | str, dict[str, Any]]] = {200: {"model": Page[CustomerRow]}}
_ONE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": Envelope[CustomerDetail]},
    304: {"description": "The caller has this version: the ETag is in If-None-Match."},
}
_asked: Final = QueryReader(CustomerQuery)


@router.get(
    "",
    operation_id="listCustomers",
    response_model=None,
    responses=_PAGE,
    openapi_extra=query_parameters(CustomerQuery),
)
async def list_customers(request: Request, caller: Principal = guard(*READERS)) -> Response:
    """List the customers of the caller's organisation, by default the newest first."""
    return page_answer(request, await customers_page(state_of(request.app).database, caller, _asked(request)))


@router.get("/{customer_id}", operation_id="getCustomer", response_model=None, responses=_ONE)
async def get_customer(request: Request, customer_id: UUID, caller: Principal = guard(*READERS)) -> Response:
    """Return a customer of the caller's organisation with what belongs to it."""
    return detail_answer(request, await customer_of(state_of(request.app).database, caller, customer_id))
