"""Reads of orders: each one round trip."""

from typing import Final
from uuid import UUID

from caravan.commerce.orders.schemas import OrderQuery
from caravan.core.database import Database
from caravan.core.database.read_models import Detail, DetailModel, ListModel
from caravan.core.principal import NotFoundError, Principal

__all__ = ["order_of", "orders_page"]

_PAGE: Final = ListModel("orders")
_ONE: Final = DetailModel("order")


async def orders_page(database: Database, caller: Principal, query: OrderQuery) -> bytes:
    """Return the envelope of one page; raises ``CursorError``."""
    return await _PAGE.page(
        database, caller, sort=query.sort, limit=query.limit, cursor=query.cursor, filters=query.filters
    )


async def order_of(database: Database, caller: Principal, order: UUID) -> Detail:
    """Return one order; raises ``NotFoundError``."""
    found = await _ONE.find(database, caller, order)
    if found is None:
        raise NotFoundError(f"There is no order {order}.")
    return found
