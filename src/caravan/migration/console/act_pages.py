"""Forms of a migration's pages: ask before traffic changes, then do it, or say in the page why not."""

import asyncio
from collections.abc import Callable
from datetime import date
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field
from starlette.responses import Response

from caravan.core.clock import utc_now
from caravan.core.errors import CaravanError
from caravan.core.http import guard, state_of
from caravan.core.http.forms import own_form
from caravan.core.http.pages import CONSOLE, NO_NUL, page_router, render_page
from caravan.core.ids import uuid7
from caravan.core.principal import NotFoundError, Principal
from caravan.migration.conductor.overview import UnitView, WayView
from caravan.migration.console.acts import Acts, Wish
from caravan.migration.console.known_files import file_of
from caravan.migration.console.looking import Look, looked, scope_of
from caravan.migration.console.migration_name import MigrationName
from caravan.migration.console.migration_pages import difference_answer, migration_answer, unit_answer
from caravan.migration.console.permissions import ACCEPT, SWITCH
from caravan.migration.units import STATES

__all__ = ["PUBLISHERS", "router"]

PUBLISHERS: Final = "migration_publishers"
"""Among the application's services, when something else than our gateways is told."""

router: APIRouter = page_router()
_ACCEPTING: Final = ("accept", "withdraw")
_Text = Annotated[str, Form(max_length=500, pattern=NO_NUL)]
_Place = Annotated[str, Form(max_length=2000, pattern=NO_NUL)]


@router.get("/migrations/{migration}/units/{unit}/ways/{target}")
async def ask_first(
    request: Request,
    migration: MigrationName,
    unit: MigrationName,
    target: MigrationName,
    back: bool = False,
    caller: Principal = guard(*SWITCH),
) -> Response:
    """Show exactly what would change, and ask for a reason."""
    found = await looked(request, caller, migration, unit)
    return _question(request, found, unit, target, back=back, act=uuid7())


class MoveForm(BaseModel):
    """What the question's form carries: ``act`` is its own id, ``seen_at`` where its reader saw the unit."""

    act: UUID
    reason: Annotated[str, Field(max_length=500, pattern=NO_NUL)] = ""
    seen_at: Annotated[str, Field(max_length=100, pattern=NO_NUL)] = ""
    back: bool = False


@router.post("/migrations/{migration}/units/{unit}/ways/{target}")
async def move(
    request: Request,
    migration: MigrationName,
    unit: MigrationName,
    target: MigrationName,
    form: Annotated[MoveForm, Form()],
    caller: Principal = guard(*SWITCH),
    _ours: None = own_form(),
) -> Response:
    """Move the unit; where four eyes are wanted, ask for a second person. The way back needs nobody else."""
    wish = Wish(unit, target, form.back, form.reason.strip(), form.seen_at)
    if not wish.reason:
        found = await looked(request, caller, migration, unit)
        problem = "Say why: the reason goes into the journal."
        return _question(
            request, found, unit, target, back=form.back, act=form.act, problem=problem, status=400
        )
    acts = _acts(request, caller, migration)
    return await _done_or_told(request, caller, migration, unit, lambda: acts.move(form.act, wish))


@router.post("/migrations/{migration}/requests/{wanted}")
async def settle(
    request: Request,
    migration: MigrationName,
    wanted: UUID,
    answer: _Text = "",
    caller: Principal = guard(*SWITCH, *ACCEPT),
    _ours: None = own_form(),
) -> Response:
    """Agree to what somebody else asked for, or refuse it; who may do it is who may do the thing itself."""
    found = await looked(request, caller, migration)
    waiting = next((one for one in found.seen.requests if one.id == wanted), None)
    caller.require(*(ACCEPT if waiting and waiting.action in _ACCEPTING else SWITCH))
    acts = _acts(request, caller, migration)
    try:
        await asyncio.to_thread(acts.settle, wanted, agree=answer == "agree")
    except CaravanError as error:
        return migration_answer(
            request,
            caller,
            await looked(request, caller, migration),
            problem=_told(error),
            status=error.status,
        )
    return _go(migration, *(("units", waiting.unit) if waiting and waiting.unit else ()))


@router.post("/migrations/{migration}/units/{unit}/hold")
async def hold(
    request: Request,
    migration: MigrationName,
    unit: MigrationName,
    reason: _Text = "",
    caller: Principal = guard(*SWITCH),
    _ours: None = own_form(),
) -> Response:
    """Hold a unit where it is."""
    found = await looked(request, caller, migration, unit)
    if found.seen.unit(unit) is None or not reason.strip():
        problem = "Say why it is held, for whoever comes next."
        return unit_answer(request, caller, found, unit, problem=problem, status=400)
    acts = _acts(request, caller, migration)
    return await _done_or_told(request, caller, migration, unit, lambda: acts.hold(unit, reason.strip()))


@router.post("/migrations/{migration}/units/{unit}/release")
async def release(
    request: Request,
    migration: MigrationName,
    unit: MigrationName,
    reason: _Text = "",
    caller: Principal = guard(*SWITCH),
    _ours: None = own_form(),
) -> Response:
    """Hold it no longer."""
    acts = _acts(request, caller, migration)
    why = reason.strip() or "let go in the console"
    return await _done_or_told(request, caller, migration, unit, lambda: acts.let_go(unit, why))


@router.post("/migrations/{migration}/units/{unit}/anew")
async def begin_anew(
    request: Request,
    migration: MigrationName,
    unit: MigrationName,
    reason: _Text = "",
    caller: Principal = guard(*SWITCH),
    _ours: None = own_form(),
) -> Response:
    """Begin the judgement of a unit anew."""
    if not reason.strip():
        found = await looked(request, caller, migration, unit)
        return unit_answer(request, caller, found, unit, problem="Say what was mended.", status=400)
    acts = _acts(request, caller, migration)
    return await _done_or_told(
        request, caller, migration, unit, lambda: acts.begin_anew(unit, reason.strip())
    )


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
    acts = _acts(request, caller, migration)
    try:
        await asyncio.to_thread(acts.accept, chosen, one.kind, owner.strip(), reason.strip(), day)
    except CaravanError as error:
        filled = {"owner": owner, "reason": reason, "until": until}
        return difference_answer(
            request, caller, found, difference, problem=_told(error), filled=filled, status=error.status
        )
    return _go(migration, "accepted")


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
    await asyncio.to_thread(_acts(request, caller, migration).withdraw, identity)
    return _go(migration, "accepted")


def _acts(request: Request, caller: Principal, migration: str) -> Acts:
    state, scope = state_of(request.app), scope_of(caller, migration)
    return Acts(
        state.system_database.address,
        scope,
        caller,
        file_of(request, scope),
        four_eyes=state.settings.conductor_four_eyes,
        publisher_of=state.services.get(PUBLISHERS),
    )


async def _done_or_told(
    request: Request, caller: Principal, migration: str, unit: str, act: Callable[[], object]
) -> Response:
    """Do it and show the unit, or show it with what went wrong."""
    await looked(request, caller, migration, unit)
    try:
        await asyncio.to_thread(act)
    except CaravanError as error:
        found = await looked(request, caller, migration, unit)
        return unit_answer(request, caller, found, unit, problem=_told(error), status=error.status)
    return _go(migration, "units", unit)


def _told(error: CaravanError) -> str:
    return f"{error.title}. {error.message} {error.fix}"


def _question(
    request: Request,
    found: Look,
    unit: str,
    target: str,
    *,
    back: bool,
    act: UUID,
    problem: str = "",
    status: int = HTTPStatus.OK,
) -> Response:
    one, way = _way(found, unit, target, back=back)
    after = next(state for state in STATES if state.name == target.partition(":")[0])
    return render_page(
        request,
        "migration/confirm.html",
        status=status,
        seen=found.seen,
        unit=one,
        way=way,
        state=STATES[one.state],
        after=after,
        four_eyes=state_of(request.app).settings.conductor_four_eyes and not back,
        act=act,
        reason="",
        problem=problem,
    )


def _way(found: Look, unit: str, target: str, *, back: bool) -> tuple[UnitView, WayView]:
    one = found.seen.unit(unit)
    ways = one.ways if one else ()
    way = next((each for each in ways if each.target == target and each.back == back), None)
    if one is None or way is None:
        raise NotFoundError(f"{unit!r} has no way to {target!r} any more; look where it is now.")
    return one, way


def _wrong(owner: str, reason: str, day: date | None, *, chosen: bool, maskable: bool) -> str:
    if not maskable:
        return "Only values can be accepted; mend the new side."
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


def _go(migration: str, *parts: str) -> Response:
    path = "/".join(quote(part, safe="") for part in (migration, *parts))
    return RedirectResponse(
        f"{CONSOLE}/migrations/{path}", HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"}
    )
