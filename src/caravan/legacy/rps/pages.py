"""RPS's pages of the console: browse the orders that were carried over."""

from datetime import date
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import inspect
from starlette.responses import Response

from caravan.core.http import Read, guard
from caravan.core.http.errors import RequestInvalidError
from caravan.core.http.pages import CONSOLE, NO_NUL, ConsolePage, PageSet, page_router, render_page
from caravan.core.principal import NotFoundError, Principal
from caravan.legacy.rps.models import RpsOrder
from caravan.legacy.rps.order_queries import SORTS, OrderFilter, find_order, list_orders, order_states

__all__ = ["console_routers", "page_set"]

_TEMPLATES: Final = Path(__file__).parent / "templates"
_SCOPES: Final = ("admin", "manage_projects", "view_usage")

_NEWEST: Final = ("placed_at", "desc")
_SHOWN_ELSEWHERE: Final = frozenset({"org_id", "id", "state"})

router = page_router()


def console_routers() -> list[APIRouter]:
    """Return the routers of RPS's pages."""
    return [router]


def page_set() -> PageSet:
    """Return RPS's templates and its entry of the navigation."""
    return PageSet("rps", _TEMPLATES, (ConsolePage("Orders", f"{CONSOLE}/orders", "Commerce", 30, _SCOPES),))


class OrdersAsked(BaseModel):
    """The address of a page of orders; an unknown sort is the usual one."""

    q: Annotated[str, Field(max_length=200, pattern=NO_NUL)] = ""
    state: Annotated[str, Field(max_length=40, pattern=NO_NUL)] = ""
    since: Annotated[str, Field(max_length=20)] = ""
    until: Annotated[str, Field(max_length=20)] = ""
    sort: str = _NEWEST[0]
    dir: str = _NEWEST[1]
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1

    @property
    def order(self) -> tuple[str, str]:
        """What it is sorted by, and which way."""
        return (self.sort if self.sort in SORTS else _NEWEST[0]), ("asc" if self.dir == "asc" else "desc")

    @property
    def parameters(self) -> dict[str, str]:
        """What links to other pages of the same list carry on."""
        kept = {"q": self.q.strip(), "state": self.state, "since": self.since, "until": self.until}
        return kept if self.order == _NEWEST else kept | dict(zip(("sort", "dir"), self.order, strict=True))


@router.get("/orders")
async def orders(
    request: Request,
    session: Read,
    asked: Annotated[OrdersAsked, Query()],
    caller: Principal = guard(*_SCOPES),
) -> Response:
    """List orders: found by number or e-mail, by state and day, sorted, page by page."""
    wanted = OrderFilter(asked.q.strip(), asked.state, _day(asked.since), _day(asked.until), caller.client)
    sort, direction = asked.order
    return render_page(
        request,
        "rps/orders.html",
        listing=await list_orders(
            session, wanted, sort=sort, descending=direction == "desc", page=asked.page
        ),
        states=await order_states(session),
        wanted=wanted,
        parameters=asked.parameters,
    )


@router.get("/orders/{order_id}")
async def order(
    request: Request, session: Read, order_id: UUID, caller: Principal = guard(*_SCOPES)
) -> Response:
    """Show one order: lines, addresses, transactions, tracking, and what only RPS says of it."""
    found = await find_order(session, order_id, caller.client)
    if found is None:
        raise NotFoundError("There is no such order.")
    return render_page(request, "rps/order.html", detail=found, legacy=_legacy_fields(found.legacy))


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RequestInvalidError(f"{text!r} is not a day; write it as 2026-11-20.") from None


def _legacy_fields(legacy: RpsOrder | None) -> dict[str, dict[str, object]]:
    """Return what only RPS has and is set: plain values, and structures."""
    plain: dict[str, object] = {}
    nested: dict[str, object] = {}
    for name in inspect(RpsOrder).columns.keys() if legacy is not None else ():
        value = getattr(legacy, name)
        if value is not None and name not in _SHOWN_ELSEWHERE:
            (nested if isinstance(value, (dict, list)) else plain)[name] = value
    return {"plain": plain, "nested": nested}
