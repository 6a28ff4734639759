"""``/api/v1/transactions``: list and detail."""

from typing import Any, Final
from uuid import UUID

from fastapi import Request, Response

from caravan.commerce.payments.queries import transaction_of, transactions_page
from caravan.commerce.payments.schemas import TransactionDetail, TransactionQuery, TransactionRow
from caravan.commerce.reading import READERS
from caravan.core.http import Envelope, Page, api_router, guard, state_of
from caravan.core.http.read_models import QueryReader, detail_answer, page_answer, query_parameters
from caravan.core.paging import CursorError
from caravan.core.principal import NotFoundError, Principal

__all__ = ["router"]

router = api_router("transactions", prefix="/api/v1/transactions", errors=(CursorError, NotFoundError))

_PAGE: Final[dict[int | str, dict[str, Any]]] = {200: {"model": Page[TransactionRow]}}
_ONE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": Envelope[TransactionDetail]},
    304: {"description": "The caller has this version: the ETag is in If-None-Match."},
}
_asked: Final = QueryReader(TransactionQuery)


@router.get(
    "",
    operation_id="listTransactions",
    response_model=None,
    responses=_PAGE,
    openapi_extra=query_parameters(TransactionQuery),
)
async def list_transactions(request: Request, caller: Principal = guard(*READERS)) -> Response:
    """List the transactions of the caller's organisation, by default the newest first."""
    return page_answer(
        request, await transactions_page(state_of(request.app).database, caller, _asked(request))
    )


@router.get("/{transaction_id}", operation_id="getTransaction", response_model=None, responses=_ONE)
async def get_transaction(
    request: Request, transaction_id: UUID, caller: Principal = guard(*READERS)
) -> Response:
    """Return a transaction of the caller's organisation with what belongs to it."""
    return detail_answer(
        request, await transaction_of(state_of(request.app).database, caller, transaction_id)
    )
