"""Reads of transactions: each one round trip."""

from typing import Final
from uuid import UUID

from caravan.commerce.payments.schemas import TransactionQuery
from caravan.core.database import Database
from caravan.core.database.read_models import Detail, DetailModel, ListModel
from caravan.core.principal import NotFoundError, Principal

__all__ = ["transaction_of", "transactions_page"]

_PAGE: Final = ListModel("transactions")
_ONE: Final = DetailModel("transaction")


async def transactions_page(database: Database, caller: Principal, query: TransactionQuery) -> bytes:
    """Return the envelope of one page; raises ``CursorError``."""
    return await _PAGE.page(
        database, caller, sort=query.sort, limit=query.limit, cursor=query.cursor, filters=query.filters
    )


async def transaction_of(database: Database, caller: Principal, transaction: UUID) -> Detail:
    """Return one transaction; raises ``NotFoundError``."""
    found = await _ONE.find(database, caller, transaction)
    if found is None:
        raise NotFoundError(f"There is no transaction {transaction}.")
    return found
