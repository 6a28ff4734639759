"""Reads of customers: each one round trip."""

from typing import Final
from uuid import UUID

from caravan.commerce.customers.schemas import CustomerQuery
from caravan.core.database import Database
from caravan.core.database.read_models import Detail, DetailModel, ListModel
from caravan.core.principal import NotFoundError, Principal

__all__ = ["customer_of", "customers_page"]

_PAGE: Final = ListModel("customers")
_ONE: Final = DetailModel("customer")


async def customers_page(database: Database, caller: Principal, query: CustomerQuery) -> bytes:
    """Return the envelope of one page; raises ``CursorError``."""
    return await _PAGE.page(
        database, caller, sort=query.sort, limit=query.limit, cursor=query.cursor, filters=query.filters
    )


async def customer_of(database: Database, caller: Principal, customer: UUID) -> Detail:
    """Return one customer; raises ``NotFoundError``."""
    found = await _ONE.find(database, caller, customer)
    if found is None:
        raise NotFoundError(f"There is no customer {customer}.")
    return found
