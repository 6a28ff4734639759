"""The engine's pages of the console: what was loaded, what was quarantined and why."""

import pathlib
from typing import Annotated, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from caravan.core.clock import utc_now
from caravan.core.http import Read, guard, state_of
from caravan.core.http.pages import CONSOLE, NO_NUL, ConsolePage, PageSet, page_router, render_page
from caravan.core.principal import NotFoundError, Principal
from caravan.core.secrets_box import Box, BoxError
from caravan.migration.console import (
    accept_pages,
    act_pages,
    data_pages,
    live,
    migration_pages,
    operator_pages,
    queries,
)
from caravan.migration.console.figures import LoadView, view_of
from caravan.migration.console.only_migration import only_migration, refuse_others
from caravan.migration.console.permissions import VIEW
from caravan.migration.load.models import QuarantinedRecord
from caravan.migration.load.originals import readable

__all__ = ["console_routers", "operator_routers", "page_set"]

log = structlog.get_logger(__name__)

_TEMPLATES: Final = pathlib.Path(__file__).parent / "templates"
_SCOPES: Final = ("admin", "view_usage")
_KEY: Final = "quarantine.key"
_GROUP: Final = "Migration"

router = page_router()

Wanted = Annotated[str, Query(max_length=200, pattern=NO_NUL)]
Name = Annotated[str, Path(max_length=200, pattern=NO_NUL)]
PageNumber = Annotated[int, Query(ge=1, le=1_000_000)]


def console_routers() -> list[APIRouter]:
    """Return the routers of the engine's pages."""
    return [
        router,
        migration_pages.router,
        data_pages.router,
        act_pages.router,
        accept_pages.router,
        live.router,
    ]


def operator_routers() -> list[APIRouter]:
    """Return those of a console that runs without the platform: the same pages, and how operators come in."""
    return [operator_pages.router, *console_routers()]


def page_set() -> PageSet:
    """Return the engine's templates and its entries of the navigation."""
    return PageSet(
        "migration",
        _TEMPLATES,
        (
            ConsolePage("Overview", f"{CONSOLE}/overview", _GROUP, 10, _SCOPES),
            ConsolePage("Units and traffic", f"{CONSOLE}/migrations", _GROUP, 15, VIEW),
            ConsolePage("Quarantine", f"{CONSOLE}/quarantine", _GROUP, 20, _SCOPES),
        ),
    )


@router.get("/overview", dependencies=[guard(*_SCOPES)])
async def overview(request: Request, session: Read) -> Response:
    """Show every migration of the organisation at a glance."""
    data_sets = await queries.data_sets(session)
    classes = await queries.quarantine_classes(session)
    today = utc_now().date()
    runs = await queries.runs(session, migration=only_migration(request))
    loads = [view_of(run, data_sets, classes, today) for run in runs]
    return render_page(request, "migration/overview.html", loads=loads)


@router.get("/loads/{migration}", dependencies=[guard(*_SCOPES)])
async def load(
    request: Request,
    session: Read,
    migration: Name,
    kind: Wanted = "",
    data_set: Wanted = "",
    page: PageNumber = 1,
) -> Response:
    """Show one migration: data sets, sums, checks, and its findings."""
    refuse_others(request, migration)
    found = await queries.runs(session, migration=migration)
    if not found:
        raise NotFoundError(f"There is no migration {migration!r} here.")
    view = view_of(
        found[0],
        await queries.data_sets(session, migration=migration),
        await queries.quarantine_classes(session, migration=migration),
        utc_now().date(),
    )
    return render_page(
        request,
        "migration/load.html",
        load=view,
        classes=await queries.finding_classes(session, migration),
        findings=await queries.findings(session, migration, kind=kind, data_set=data_set, page=page),
        wanted={"kind": kind, "data_set": data_set},
    )


@router.get("/quarantine", dependencies=[guard(*_SCOPES)])
async def quarantine(
    request: Request,
    session: Read,
    reason: Wanted = "",
    data_set: Wanted = "",
    migration: Wanted = "",
    page: PageNumber = 1,
) -> Response:
    """List what was not loaded, and why."""
    shown = only_migration(request) or migration
    listing = await queries.quarantined(session, reason=reason, data_set=data_set, migration=shown, page=page)
    return render_page(
        request,
        "migration/quarantine.html",
        listing=listing,
        waived=await _waived(session),
        wanted={"reason": reason, "data_set": data_set, "migration": migration},
    )


@router.get("/quarantine/{record}")
async def quarantined_record(
    request: Request, session: Read, record: UUID, caller: Principal = guard(*_SCOPES)
) -> Response:
    """Show one record; its original bytes to administrators only."""
    found = await queries.one_quarantined(session, record)
    if found is None or only_migration(request) not in (None, found.migration):
        raise NotFoundError("There is no such record in quarantine.")
    original, problem = _original(request, found) if "admin" in caller.scopes else ("", "")
    if original:
        await _audit(request, caller, found)
    return render_page(
        request,
        "migration/quarantined.html",
        record=found,
        waiver=(await _waived(session)).get((found.migration, found.reason)),
        may_see="admin" in caller.scopes,
        original=original,
        problem=problem,
    )


def _original(request: Request, record: QuarantinedRecord) -> tuple[str, str]:
    """Return the original as text, or why it cannot be shown."""
    if record.sealed is None:
        return "", "The original was purged when its retention ended."
    path = state_of(request.app).settings.keys_folder / _KEY
    if not path.exists():
        return "", f"The key {path} is not on this machine."
    try:
        return readable(Box(path), record.sealed), ""
    except BoxError as error:
        return "", f"{error.message}. {error.fix}"


async def _audit(request: Request, caller: Principal, record: QuarantinedRecord) -> None:
    """Keep who saw an original, in a transaction of its own: the page itself only reads."""
    state = state_of(request.app)
    facts = {"migration": record.migration, "data_set": record.data_set, "key": record.key}
    if state.audit is None:
        log.warning("quarantine.original_opened", record=str(record.id), caller=caller.label, **facts)
        return
    async with state.database.write(record.org_id) as session:
        await state.audit.record(
            session,
            caller,
            "quarantine.original_opened",
            entity="quarantined_record",
            entity_id=record.id,
            after={**facts, "through": "console"},
        )


async def _waived(session: Read) -> dict[tuple[str, str], object]:
    today = utc_now().date()
    found: dict[tuple[str, str], object] = {}
    for run in await queries.runs(session):
        view: LoadView = view_of(run, [], [], today)
        for reason, waiver in view.waivers.items():
            if waiver.holds(today):
                found[run.migration, reason] = waiver
    return found
