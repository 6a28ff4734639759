"""``/api/v1/promos``: list and detail."""

from typing import Any, Final
from uuid import UUID

from fastapi import Request, Response

from caravan.commerce.promotions.queries import promo_of, promos_page
from caravan.commerce.promotions.schemas import PromoDetail, PromoQuery, PromoRow
from caravan.commerce.reading import READERS
from caravan.core.http import Envelope, Page, api_router, guard, state_of
from caravan.core.http.read_models import QueryReader, detail_answer, page_answer, query_parameters
from caravan.core.paging import CursorError
from caravan.core.principal import NotFoundError, Principal

__all__ = ["router"]

router = api_router("promos", prefix="/api/v1/promos", errors=(CursorError, NotFoundError))

_PAGE: Final[dict[int | str, dict[str, Any]]] = {200: {"model": Page[PromoRow]}}
_ONE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": Envelope[PromoDetail]},
    304: {"description": "The caller has this version: the ETag is in If-None-Match."},
}
_asked: Final = QueryReader(PromoQuery)


@router.get(
    "",
    operation_id="listPromos",
    response_model=None,
    responses=_PAGE,
    openapi_extra=query_parameters(PromoQuery),
)
async def list_promos(request: Request, caller: Principal = guard(*READERS)) -> Response:
    """List the promos of the caller's organisation, by default the newest first."""
    return page_answer(request, await promos_page(state_of(request.app).database, caller, _asked(request)))


@router.get("/{promo_id}", operation_id="getPromo", response_model=None, responses=_ONE)
async def get_promo(request: Request, promo_id: UUID, caller: Principal = guard(*READERS)) -> Response:
    """Return a promo of the caller's organisation with what belongs to it."""
    return detail_answer(request, await promo_of(state_of(request.app).database, caller, promo_id))
