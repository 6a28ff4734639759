"""Reads of products: each one round trip."""

from typing import Final
from uuid import UUID

from caravan.commerce.catalog.schemas import ProductQuery
from caravan.core.database import Database
from caravan.core.database.read_models import Detail, DetailModel, ListModel
from caravan.core.principal import NotFoundError, Principal

__all__ = ["product_of", "products_page"]

_PAGE: Final = ListModel("products")
_ONE: Final = DetailModel("product")


async def products_page(database: Database, caller: Principal, query: ProductQuery) -> bytes:
    """Return the envelope of one page; raises ``CursorError``."""
    return await _PAGE.page(
        database, caller, sort=query.sort, limit=query.limit, cursor=query.cursor, filters=query.filters
    )


async def product_of(database: Database, caller: Principal, product: UUID) -> Detail:
    """Return one product; raises ``NotFoundError``."""
    found = await _ONE.find(database, caller, product)
    if found is None:
        raise NotFoundError(f"There is no product {product}.")
    return found
