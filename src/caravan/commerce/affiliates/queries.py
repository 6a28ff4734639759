"""Reads of affiliates: each one round trip."""

from typing import Final
from uuid import UUID

from caravan.commerce.affiliates.schemas import AffiliateQuery
from caravan.core.database import Database
from caravan.core.database.read_models import Detail, DetailModel, ListModel
from caravan.core.principal import NotFoundError, Principal

__all__ = ["affiliate_of", "affiliates_page"]

_PAGE: Final = ListModel("affiliates")
_ONE: Final = DetailModel("affiliate")


async def affiliates_page(database: Database, caller: Principal, query: AffiliateQuery) -> bytes:
    """Return the envelope of one page; raises ``CursorError``."""
    return await _PAGE.page(
        database, caller, sort=query.sort, limit=query.limit, cursor=query.cursor, filters=query.filters
    )


async def affiliate_of(database: Database, caller: Principal, affiliate: UUID) -> Detail:
    """Return one affiliate; raises ``NotFoundError``."""
    found = await _ONE.find(database, caller, affiliate)
    if found is None:
        raise NotFoundError(f"There is no affiliate {affiliate}.")
    return found
