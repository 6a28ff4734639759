"""The pages of migrations that one looks at: the list, one migration, one unit, its differences, what is accepted, the journal."""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from caravan.core.clock import utc_now
from caravan.core.http import guard, state_of
from caravan.core.http.pages import page_router, render_page
from caravan.core.principal import NotFoundError, Principal
from caravan.migration.conductor.overview import RequestView
from caravan.migration.console.compared_pair import side_by_side
from caravan.migration.console.evidence_words import blind_spot, evidence_said
from caravan.migration.console.journal_view import journal_page
from caravan.migration.console.looking import Look, looked, names_of, scope_of
from caravan.migration.console.migration_name import MigrationName, PageNumber, Wanted
from caravan.migration.console.permissions import ACCEPT, SWITCH, VIEW
from caravan.migration.units import STATES

__all__ = ["difference_answer", "migration_answer", "router", "unit_answer"]

router: APIRouter = page_router()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits for a second person, as one caller sees it."""

    request: RequestView
    about: str
    may_settle: bool
    own: bool


@router.get("/migrations")
async def migrations(request: Request, caller: Principal = guard(*VIEW)) -> Response:
    """List the migrations whose file has been read, with what is urgent in each."""
    names = await names_of(request, caller)
    looks = [await looked(request, caller, name) for name in names]
    return render_page(request, "migration/migrations.html", looks=looks)


@router.get("/migrations/{migration}")
async def migration_overview(
    request: Request, migration: MigrationName, caller: Principal = guard(*VIEW)
) -> Response:
    """Show one migration: units, traffic, tasks, alarms, processes."""
    return migration_answer(request, caller, await looked(request, caller, migration))


@router.get("/migrations/{migration}/units/{unit}")
async def unit_page(
    request: Request, migration: MigrationName, unit: MigrationName, caller: Principal = guard(*VIEW)
) -> Response:
    """Show one unit: its routes, its gates, the ways it has."""
    return unit_answer(request, caller, await looked(request, caller, migration, unit), unit)


@router.get("/migrations/{migration}/differences")
async def differences(
    request: Request,
    migration: MigrationName,
    unit: Wanted = "",
    caller: Principal = guard(*VIEW),
) -> Response:
    """List differences by cause."""
    found = await looked(request, caller, migration)
    rows = [one for one in found.seen.differences if unit in ("", one.unit)]
    return render_page(
        request, "migration/differences.html", seen=found.seen, rows=rows, wanted={"unit": unit}
    )


@router.get("/migrations/{migration}/differences/{difference}")
async def difference_page(
    request: Request, migration: MigrationName, difference: MigrationName, caller: Principal = guard(*VIEW)
) -> Response:
    """Show one difference: its places, its evidence, the example side by side, and how to accept it."""
    return difference_answer(request, caller, await looked(request, caller, migration), difference)


@router.get("/migrations/{migration}/accepted")
async def accepted(request: Request, migration: MigrationName, caller: Principal = guard(*VIEW)) -> Response:
    """List what is accepted, by whom, until when, and what is not compared because of it."""
    found = await looked(request, caller, migration)
    return render_page(
        request,
        "migration/accepted.html",
        seen=found.seen,
        blind=blind_spot(found.seen),
        may_accept=caller.may(*ACCEPT),
    )


@router.get("/migrations/{migration}/journal")
async def journal(
    request: Request,
    migration: MigrationName,
    unit: Wanted = "",
    phase: Wanted = "",
    page: PageNumber = 1,
    all: Wanted = "",  # noqa: A002 - the name in the address
    caller: Principal = guard(*VIEW),
) -> Response:
    """List what was done, by whom, and say whether the chain of hashes holds; ``all`` has every entry checked again."""
    found = await looked(request, caller, migration)
    address = state_of(request.app).system_database.address
    scope = scope_of(request, caller, migration)
    listed = await journal_page(address, scope, unit=unit, phase=phase, page=page, anew=bool(all))
    return render_page(
        request,
        "migration/journal.html",
        seen=found.seen,
        journal=listed,
        wanted={"unit": unit, "phase": phase},
    )


def migration_answer(
    request: Request, caller: Principal, found: Look, *, problem: str = "", status: int = 200
) -> Response:
    """Draw a migration's page, with what went wrong when somebody settled a request there."""
    return render_page(
        request,
        "migration/migration.html",
        status=status,
        look=found,
        seen=found.seen,
        states=STATES,
        asks=list(_waiting(caller, found)),
        problem=problem,
    )


def _waiting(caller: Principal, found: Look, unit: str | None = None) -> Iterator[Waiting]:
    """Yield requests with whether the caller may settle them, and whether they are the caller's own."""
    for one in found.seen.requests:
        if unit is None or one.unit == unit:
            needed = ACCEPT if one.action in ("accept", "withdraw") else SWITCH
            wish = one.wish
            about = wish.get("target") or wish.get("path") or one.unit or ""
            own = one.by.endswith(f"({caller.label})") or one.by == caller.label
            yield Waiting(one, str(about), caller.may(*needed), own)


def unit_answer(
    request: Request, caller: Principal, found: Look, unit: str, *, problem: str = "", status: int = 200
) -> Response:
    """Draw a unit's page, with what went wrong when somebody tried to act on it."""
    seen = found.seen
    one = seen.unit(unit)
    if one is None:
        raise NotFoundError(f"There is no unit {unit!r} in {seen.migration!r}.")
    return render_page(
        request,
        "migration/unit.html",
        status=status,
        look=found,
        seen=seen,
        unit=one,
        state=STATES[one.state],
        routes=seen.routes_of(unit),
        differences=[each for each in seen.differences if each.unit == unit],
        asks=list(_waiting(caller, found, unit)),
        may_switch=caller.may(*SWITCH),
        problem=problem,
    )


def difference_answer(
    request: Request,
    caller: Principal,
    found: Look,
    difference: str,
    *,
    problem: str = "",
    filled: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    """Draw a difference's page, with what was wrong with a form of it."""
    one = next((each for each in found.seen.differences if each.id == difference), None)
    if one is None:
        raise NotFoundError("There is no such difference any more; it may have been mended.")
    return render_page(
        request,
        "migration/difference.html",
        status=status,
        seen=found.seen,
        one=one,
        lines=side_by_side(one.old, one.new),
        evidence={(each.route, each.path): evidence_said(each) for each in one.members},
        replayed=side_by_side(one.replay.old, one.replay.new) if one.replay and one.replay.old else [],
        may_accept=caller.may(*ACCEPT),
        may_replay=caller.may(*ACCEPT, *SWITCH) and found.reads(one),
        today=utc_now().date(),
        filled=filled or {},
        problem=problem,
    )
