"""Reads in the legacy's shapes: a page or an order in one round trip, or the statement that a CSV file is copied from."""

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from caravan.core.database import Database
from caravan.core.principal import NotFoundError, Principal
from caravan.legacy.rps.parameters import ListParameters

__all__ = ["CsvExport", "ListName", "csv_export", "order_body", "page_body"]

ListName = Literal["orders", "customers", "transactions"]

_PAGE: Final = "SELECT legacy_rps.read_list($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
_ORDER: Final = "SELECT legacy_rps.read_order($1, $2, $3)"
_STATEMENTS: Final[dict[ListName, str]] = {
    "orders": "SELECT legacy_rps.orders_query($1, $2)",
    "customers": "SELECT legacy_rps.customers_query($1, $2)",
    "transactions": "SELECT legacy_rps.transactions_query($1, $2)",
}
_PATTERN: Final = "SELECT read_contains($1)"


@dataclass(frozen=True, slots=True)
class CsvExport:
    """A statement of the schema's own and the values of its parameters."""

    org: UUID
    statement: str
    arguments: tuple[object, ...]


async def page_body(database: Database, caller: Principal, name: ListName, asked: ListParameters) -> bytes:
    """Return one page as the bytes of its answer."""
    body: bytes = await database.fetch_value(
        _PAGE,
        name,
        caller.require_org(),
        caller.client,
        asked.q,
        asked.word,
        asked.from_,
        asked.to,
        asked.sort,
        asked.dir,
        asked.limit,
        asked.offset,
    )
    return body


async def csv_export(
    database: Database, caller: Principal, name: ListName, asked: ListParameters
) -> CsvExport:
    """Return what to copy for all matching rows; the statement is the one behind the pages."""
    org = caller.require_org()
    statement: str = await database.fetch_value(_STATEMENTS[name], asked.sort, asked.dir)
    pattern: str | None = await database.fetch_value(_PATTERN, asked.q) if asked.q else None
    return CsvExport(org, statement, (org, caller.client, pattern, asked.word, asked.from_, asked.to))


async def order_body(database: Database, caller: Principal, order: str) -> bytes:
    """Return an order with everything around it; raises ``NotFoundError``, also for what is no id."""
    try:
        row = UUID(order)
    except ValueError:
        raise NotFoundError("order not found") from None
    body: bytes | None = await database.fetch_value(_ORDER, caller.require_org(), caller.client, row)
    if body is None:
        raise NotFoundError("order not found")
    return body
