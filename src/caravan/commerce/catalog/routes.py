"""``/api/v1/products``: list and detail."""

from typing import Any, Final
from uuid import UUID

from fastapi import Request, Response

from caravan.commerce.catalog.queries import product_of, products_page
from caravan.commerce.catalog.schemas import ProductDetail, ProductQuery, ProductRow
from caravan.commerce.reading import READERS
from caravan.core.http import Envelope, Page, api_router, guard, state_of
from caravan.core.http.read_models import QueryReader, detail_answer, page_answer, query_parameters
from caravan.core.paging import CursorError
from caravan.core.principal import NotFoundError, Principal

__all__ = ["router"]

router = api_router("products", prefix="/api/v1/products", errors=(CursorError, NotFoundError))

_PAGE: Final[dict[int | str, dict[str, Any]]] = {200: {"model": Page[ProductRow]}}
_ONE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": Envelope[ProductDetail]},
    304: {"description": "The caller has this version: the ETag is in If-None-Match."},
}
_asked: Final = QueryReader(ProductQuery)


@router.get(
    "",
    operation_id="listProducts",
    response_model=None,
    responses=_PAGE,
    openapi_extra=query_parameters(ProductQuery),
)
async def list_products(request: Request, caller: Principal = guard(*READERS)) -> Response:
    """List the products of the caller's organisation, by default the newest first."""
    return page_answer(request, await products_page(state_of(request.app).database, caller, _asked(request)))


@router.get("/{product_id}", operation_id="getProduct", response_model=None, responses=_ONE)
async def get_product(request: Request, product_id: UUID, caller: Principal = guard(*READERS)) -> Response:
    """Return a product of the caller's organisation with what belongs to it."""
    return detail_answer(request, await product_of(state_of(request.app).database, caller, product_id))
