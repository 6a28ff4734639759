"""``/api/v1/affiliates``: list and detail."""

from typing import Any, Final
from uuid import UUID

from fastapi import Request, Response

from caravan.commerce.affiliates.queries import affiliate_of, affiliates_page
from caravan.commerce.affiliates.schemas import AffiliateDetail, AffiliateQuery, AffiliateRow
from caravan.commerce.reading import READERS
from caravan.core.http import Envelope, Page, api_router, guard, state_of
from caravan.core.http.read_models import QueryReader, detail_answer, page_answer, query_parameters
from caravan.core.paging import CursorError
from caravan.core.principal import NotFoundError, Principal

__all__ = ["router"]

router = api_router("affiliates", prefix="/api/v1/affiliates", errors=(CursorError, NotFoundError))

_PAGE: Final[dict[int | str, dict[str, Any]]] = {200: {"model": Page[AffiliateRow]}}
_ONE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": Envelope[AffiliateDetail]},
    304: {"description": "The caller has this version: the ETag is in If-None-Match."},
}
_asked: Final = QueryReader(AffiliateQuery)


@router.get(
    "",
    operation_id="listAffiliates",
    response_model=None,
    responses=_PAGE,
    openapi_extra=query_parameters(AffiliateQuery),
)
async def list_affiliates(request: Request, caller: Principal = guard(*READERS)) -> Response:
    """List the affiliates of the caller's organisation, by default the newest first."""
    return page_answer(
        request, await affiliates_page(state_of(request.app).database, caller, _asked(request))
    )


@router.get("/{affiliate_id}", operation_id="getAffiliate", response_model=None, responses=_ONE)
async def get_affiliate(
    request: Request, affiliate_id: UUID, caller: Principal = guard(*READERS)
) -> Response:
    """Return an affiliate of the caller's organisation with what belongs to it."""
    return detail_answer(request, await affiliate_of(state_of(request.app).database, caller, affiliate_id))
