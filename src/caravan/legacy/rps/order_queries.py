"""What the console's pages of orders read: one page of the list, and everything of one order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select

from caravan.commerce.affiliates import Affiliate
from caravan.commerce.customers import Address, Customer
from caravan.commerce.orders import Order, OrderItem, TrackingNumber
from caravan.commerce.payments import Transaction
from caravan.core.database import AnySession
from caravan.core.http.listing import PAGE_ROWS, Listing
from caravan.legacy.rps.models import RpsOrder, RpsOrderItem, RpsTransaction

__all__ = ["SORTS", "OrderDetail", "OrderFilter", "find_order", "list_orders", "order_states"]

SORTS: Final[Mapping[str, Any]] = {
    "placed_at": Order.placed_at,
    "number": Order.number,
    "state": Order.state,
    "total": Order.total_amount,
    "email": Order.email,
}


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """``text`` is found in number or e-mail, whatever its case; ``until`` is a day that is still included."""

    text: str = ""
    state: str = ""
    since: date | None = None
    until: date | None = None
    client: UUID | None = None


@dataclass(frozen=True, slots=True)
class OrderDetail:
    order: Order
    legacy: RpsOrder | None
    customer: Customer | None
    affiliate: Affiliate | None
    items: Sequence[tuple[OrderItem, RpsOrderItem | None]]
    addresses: Sequence[Address]
    transactions: Sequence[tuple[Transaction, str | None]]
    """Each with the state that RPS gave it."""
    tracking: Sequence[TrackingNumber]


async def list_orders(
    session: AnySession, wanted: OrderFilter, *, sort: str, descending: bool, page: int
) -> Listing:
    """Return one page of orders, each as (order, legacy state); ties are broken by id, so that no row is seen twice."""
    conditions = list(_conditions(wanted))
    total = await session.scalar(select(func.count()).select_from(Order).where(*conditions)) or 0
    page = min(page, max(1, -(-total // PAGE_ROWS)))
    column = SORTS[sort]
    order = (column.desc().nulls_last(), Order.id.desc()) if descending else (column.asc(), Order.id)
    beside = (RpsOrder.org_id == Order.org_id) & (RpsOrder.id == Order.id)
    rows = (
        select(Order, RpsOrder.state)
        .outerjoin(RpsOrder, beside)
        .where(*conditions)
        .order_by(*order)
        .limit(PAGE_ROWS)
        .offset((page - 1) * PAGE_ROWS)
    )
    found = (await session.execute(rows)).all()
    return Listing(found, total, page, sort=sort, dir="desc" if descending else "asc")


async def order_states(session: AnySession) -> list[str]:
    """Return the states that orders of the tenant are in."""
    states = select(Order.state).where(Order.deleted_at.is_(None)).distinct().order_by(Order.state)
    return list((await session.scalars(states)).all())


async def find_order(session: AnySession, order_id: UUID, client: UUID | None) -> OrderDetail | None:
    """Return one order with everything that hangs on it."""
    order = await session.scalar(
        select(Order).where(Order.id == order_id, Order.deleted_at.is_(None), *_of_client(client))
    )
    if order is None:
        return None
    mine = order_id
    return OrderDetail(
        order,
        await session.scalar(select(RpsOrder).where(RpsOrder.id == mine)),
        await session.scalar(select(Customer).where(Customer.id == order.customer_id)),
        await session.scalar(select(Affiliate).where(Affiliate.id == order.affiliate_id)),
        await _items(session, mine),
        (await session.scalars(select(Address).where(Address.order_id == mine).order_by(Address.kind))).all(),
        await _transactions(session, mine),
        (
            await session.scalars(
                select(TrackingNumber)
                .where(TrackingNumber.order_id == mine)
                .order_by(TrackingNumber.position)
            )
        ).all(),
    )


async def _items(session: AnySession, order: UUID) -> list[tuple[OrderItem, RpsOrderItem | None]]:
    beside = (RpsOrderItem.org_id == OrderItem.org_id) & (RpsOrderItem.id == OrderItem.id)
    rows = (
        select(OrderItem, RpsOrderItem)
        .outerjoin(RpsOrderItem, beside)
        .where(OrderItem.order_id == order)
        .order_by(OrderItem.position, OrderItem.id)
    )
    return [(item, legacy) for item, legacy in await session.execute(rows)]


async def _transactions(session: AnySession, order: UUID) -> list[tuple[Transaction, str | None]]:
    beside = (RpsTransaction.org_id == Transaction.org_id) & (RpsTransaction.id == Transaction.id)
    rows = (
        select(Transaction, RpsTransaction.state)
        .outerjoin(RpsTransaction, beside)
        .where(Transaction.order_id == order, Transaction.deleted_at.is_(None))
        .order_by(Transaction.created_at, Transaction.id)
    )
    return [(transaction, state) for transaction, state in await session.execute(rows)]


def _conditions(wanted: OrderFilter) -> Sequence[ColumnElement[bool]]:
    conditions = [Order.deleted_at.is_(None), *_of_client(wanted.client)]
    if wanted.text:
        found = (Order.number.icontains(wanted.text, autoescape=True), _email_has(wanted.text))
        conditions.append(or_(*found))
    if wanted.state:
        conditions.append(Order.state == wanted.state)
    if wanted.since:
        conditions.append(Order.placed_at >= _midnight(wanted.since))
    if wanted.until and wanted.until < date.max:
        conditions.append(Order.placed_at < _midnight(wanted.until + timedelta(days=1)))
    return conditions


def _email_has(text: str) -> ColumnElement[bool]:
    return Order.email.icontains(text, autoescape=True)


def _of_client(client: UUID | None) -> tuple[ColumnElement[bool], ...]:
    """Limit a caller who belongs to one client to that client's rows."""
    return () if client is None else (Order.client_id == client,)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
