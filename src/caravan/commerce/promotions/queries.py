"""Reads of promos: each one round trip."""

from typing import Final
from uuid import UUID

from caravan.commerce.promotions.schemas import PromoQuery
from caravan.core.database import Database
from caravan.core.database.read_models import Detail, DetailModel, ListModel
from caravan.core.principal import NotFoundError, Principal

__all__ = ["promo_of", "promos_page"]

_PAGE: Final = ListModel("promos")
_ONE: Final = DetailModel("promo")


async def promos_page(database: Database, caller: Principal, query: PromoQuery) -> bytes:
    """Return the envelope of one page; raises ``CursorError``."""
    return await _PAGE.page(
        database, caller, sort=query.sort, limit=query.limit, cursor=query.cursor, filters=query.filters
    )


async def promo_of(database: Database, caller: Principal, promo: UUID) -> Detail:
    """Return one promo; raises ``NotFoundError``."""
    found = await _ONE.find(database, caller, promo)
    if found is None:
        raise NotFoundError(f"There is no promo {promo}.")
    return found
