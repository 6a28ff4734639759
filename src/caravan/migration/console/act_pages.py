"""Forms of a migration's pages: ask before traffic changes, then do it, or say in the page why not."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from caravan.core.errors import CaravanError
from caravan.core.http import guard, state_of
from caravan.core.http.forms import own_form
from caravan.core.http.pages import NO_NUL, page_router, render_page
from caravan.core.ids import uuid7
from caravan.core.principal import NotFoundError, Principal
from caravan.migration.conductor.overview import UnitView, WayView
from caravan.migration.console.acting import acts_of, gone_to, told
from caravan.migration.console.acts import Wish
from caravan.migration.console.looking import Look, looked
from caravan.migration.console.migration_name import MigrationName
from caravan.migration.console.migration_pages import migration_answer, unit_answer
from caravan.migration.console.permissions import ACCEPT, SWITCH
from caravan.migration.units import STATES

__all__ = ["router"]

router: APIRouter = page_router()
_ACCEPTING: Final = ("accept", "withdraw")
_MOVING: Final = ("promote", "advance")
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
    acts = acts_of(request, caller, migration)
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
    acts, moves = acts_of(request, caller, migration), waiting is not None and waiting.action in _MOVING
    try:
        await asyncio.to_thread(acts.settle, wanted, agree=answer == "agree", moves=moves)
    except CaravanError as error:
        return migration_answer(
            request,
            caller,
            await looked(request, caller, migration),
            problem=told(error),
            status=error.status,
        )
    return gone_to(migration, *(("units", waiting.unit) if waiting and waiting.unit else ()))


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
    acts = acts_of(request, caller, migration)
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
    acts = acts_of(request, caller, migration)
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
    acts = acts_of(request, caller, migration)
    return await _done_or_told(
        request, caller, migration, unit, lambda: acts.begin_anew(unit, reason.strip())
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
        return unit_answer(request, caller, found, unit, problem=told(error), status=error.status)
    return gone_to(migration, "units", unit)


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
