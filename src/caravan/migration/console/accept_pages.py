"""Forms of a difference's page: accept it, have it asked again, compare it again."""

import asyncio
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from caravan.core.clock import utc_now
from caravan.core.errors import CaravanError
from caravan.core.http import guard
from caravan.core.http.forms import own_form
from caravan.core.http.pages import NO_NUL, page_router
from caravan.core.principal import NotFoundError, Principal
from caravan.migration.console.acting import acts_of, gone_to, told
from caravan.migration.console.looking import looked
from caravan.migration.console.migration_name import MigrationName
from caravan.migration.console.migration_pages import difference_answer
from caravan.migration.console.permissions import ACCEPT, SWITCH

__all__ = ["router"]

router: APIRouter = page_router()
_Text = Annotated[str, Form(max_length=500, pattern=NO_NUL)]
_Place = Annotated[str, Form(max_length=2000, pattern=NO_NUL)]


@router.post("/migrations/{migration}/differences/{difference}/accept")
async def accept(
    request: Request,
    migration: MigrationName,
    difference: MigrationName,
    owner: _Text = "",
    reason: _Text = "",
    until: _Text = "",
    place: Annotated[list[_Place] | None, Form()] = None,
    caller: Principal = guard(*ACCEPT),
    _ours: None = own_form(),
) -> Response:
    """Answer for a difference at the places that were ticked."""
    found = await looked(request, caller, migration)
    one = next((each for each in found.seen.differences if each.id == difference), None)
    if one is None:
        raise NotFoundError("There is no such difference any more; it may have been mended.")
    known = {f"{each.route}\t{each.path}": (each.route, each.path) for each in one.members}
    chosen = [known[each] for each in place or () if each in known]
    day = _day(until)
    problem = _wrong(owner, reason, day, chosen=bool(chosen), maskable=one.maskable)
    if problem or day is None:
        filled = {"owner": owner, "reason": reason, "until": until}
        return difference_answer(
            request, caller, found, difference, problem=problem, filled=filled, status=400
        )
    acts = acts_of(request, caller, migration)
    try:
        await asyncio.to_thread(acts.accept, chosen, one.kind, owner.strip(), reason.strip(), day)
    except CaravanError as error:
        filled = {"owner": owner, "reason": reason, "until": until}
        return difference_answer(
            request, caller, found, difference, problem=told(error), filled=filled, status=error.status
        )
    return gone_to(migration, "accepted")


@router.post("/migrations/{migration}/differences/{difference}/replay")
async def ask_again(
    request: Request,
    migration: MigrationName,
    difference: MigrationName,
    caller: Principal = guard(*ACCEPT, *SWITCH),
    _ours: None = own_form(),
) -> Response:
    """Have both sides asked again about a difference's example; the page shows what came of it."""
    found = await looked(request, caller, migration)
    acts = acts_of(request, caller, migration)
    try:
        await asyncio.to_thread(acts.replay, difference)
    except CaravanError as error:
        return difference_answer(request, caller, found, difference, problem=told(error), status=error.status)
    return gone_to(migration, "differences", difference)


@router.post("/migrations/{migration}/accepted/{identity}/withdraw")
async def take_back(
    request: Request,
    migration: MigrationName,
    identity: UUID,
    caller: Principal = guard(*ACCEPT),
    _ours: None = own_form(),
) -> Response:
    """Compare it again."""
    await looked(request, caller, migration)
    await asyncio.to_thread(acts_of(request, caller, migration).withdraw, identity)
    return gone_to(migration, "accepted")


def _wrong(owner: str, reason: str, day: date | None, *, chosen: bool, maskable: bool) -> str:
    if not maskable:
        return "This cannot be accepted; mend the new side."
    if not chosen:
        return "Tick at least one place."
    if not owner.strip() or not reason.strip():
        return "Name an owner and a reason: somebody has to answer for what is not compared any more."
    if day is None or day < utc_now().date():
        return "Choose a last day that is not over, such as the end of next month."
    return ""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
