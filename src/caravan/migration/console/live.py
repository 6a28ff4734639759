"""A page of a migration hears when there is something new to see."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request
from sqlalchemy import text
from starlette.responses import Response

from caravan.core.database import AnySession
from caravan.core.errors import CaravanError
from caravan.core.http import guard, state_of
from caravan.core.http.credentials import SESSION_COOKIE
from caravan.core.http.event_stream import EventStream
from caravan.core.http.pages import page_router
from caravan.core.principal import NotFoundError, Principal
from caravan.core.protocols import TenancyRequest
from caravan.migration.console.looking import names_of
from caravan.migration.console.migration_name import MigrationName, Wanted
from caravan.migration.console.operator_pages import OPERATOR_SESSIONS
from caravan.migration.console.operator_sessions import OPERATOR_COOKIE
from caravan.migration.console.permissions import VIEW
from caravan.migration.console.readers import Reader

__all__ = ["DATA_PLACE", "page_mark", "router"]

DATA_PLACE: Final = "data"
_MARK: Final = text("""
SELECT concat_ws('.',
    (SELECT max(number) FROM engine.migration_journal WHERE org_id = :org AND migration = :migration),
    (SELECT version FROM engine.conductors WHERE org_id = :org AND migration = :migration),
    (SELECT count(*) FROM engine.operator_requests WHERE org_id = :org AND migration = :migration AND state = 'open'),
    (SELECT count(*) || '-' || count(ended_at) FROM engine.migration_alerts WHERE org_id = :org AND migration = :migration),
    (SELECT string_agg(who || place, ' ' ORDER BY who) FROM engine.console_readers
     WHERE org_id = :org AND migration = :migration AND seen_at > clock_timestamp() - interval '30 seconds'),
    (SELECT count(*) || '-' || max(written_at) FROM engine.conductor_state
     WHERE org_id = :org AND migration = :migration AND part LIKE 'replay %'),
    (SELECT fencing || '-' || (expires_at > clock_timestamp()) FROM engine.migration_leases
     WHERE org_id = :org AND migration = :migration))
""")
_DATA_MARK: Final = text("""
SELECT concat_ws('.',
    (SELECT string_agg(concat_ws(' ', source, direction, epoch, state, mode, wish, stop_number, rows_refused, foreign_writes,
        floor(extract(epoch FROM heartbeat_at) / 5), heartbeat_at < clock_timestamp() - interval '15 seconds'), ', '
        ORDER BY source, direction)
     FROM engine.flows WHERE org_id = :org AND migration = :migration),
    (SELECT count(*) || '-' || count(finished_at) FROM engine.verify_runs WHERE org_id = :org AND migration = :migration),
    (SELECT count(*) || '-' || count(finished_at) FROM engine.load_runs WHERE org_id = :org AND migration = :migration))
""")
"""What the data page shows beside. Flows beat several times a second: their figures are shown anew every five seconds."""

router: APIRouter = page_router()


async def page_mark(session: AnySession, org: UUID, migration: str, place: str) -> str:
    """Return a text that is another one when the page at ``place`` has something new to show."""
    named = {"org": org, "migration": migration}
    marks = (_MARK, _DATA_MARK) if place == DATA_PLACE else (_MARK,)
    return " ".join([str(await session.scalar(mark, named)) for mark in marks])


@router.get("/migrations/{migration}/live")
async def live(
    request: Request, migration: MigrationName, place: Wanted = "", caller: Principal = guard(*VIEW)
) -> Response:
    """Stream an event for each change, until the reader leaves or their session ends; ``place`` is the page they are at."""
    state, org = state_of(request.app), caller.require_org()
    if migration not in await names_of(request, caller):
        raise NotFoundError(f"There is no migration {migration!r} here.")
    own = OPERATOR_SESSIONS in state.services
    token = request.cookies.get(OPERATOR_COOKIE if own else SESSION_COOKIE)
    reader = Reader.of(request, caller, migration, place)

    async def mark() -> str:
        await reader.is_here()
        async with state.system_database.read() as session:
            return await page_mark(session, org, migration, place)

    async def still() -> bool:
        if (
            token is None
        ):  # who came with a bearer token is no browser, and stays for as long as one stream lasts
            return True
        try:
            found = await state.authenticator.authenticate(token, TenancyRequest())
        except CaravanError:
            return False
        return found.principal.org == org and found.principal.may(*VIEW)

    return EventStream(state.system_database, mark, still)
