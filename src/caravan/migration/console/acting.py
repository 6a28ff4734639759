"""How the act of a form is carried out, and what its sender sees then."""

from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from caravan.core.errors import CaravanError
from caravan.core.http import state_of
from caravan.core.http.pages import CONSOLE
from caravan.core.principal import Principal
from caravan.migration.console.acts import Acts
from caravan.migration.console.known_files import file_of
from caravan.migration.console.looking import scope_of

__all__ = ["PUBLISHERS", "acts_of", "gone_to", "told"]

PUBLISHERS: Final = "migration_publishers"
"""Among the application's services, when something else than our gateways is told."""


def acts_of(request: Request, caller: Principal, migration: str) -> Acts:
    """Return what this caller can do to a migration."""
    state, scope = state_of(request.app), scope_of(request, caller, migration)
    return Acts(
        state.system_database.address,
        scope,
        caller,
        file_of(request, scope),
        four_eyes=state.settings.conductor_four_eyes,
        publisher_of=state.services.get(PUBLISHERS),
    )


def told(error: CaravanError) -> str:
    """Return what a page says of an error."""
    return f"{error.title}. {error.message} {error.fix}"


def gone_to(migration: str, *parts: str) -> Response:
    """Send the reader to a page of a migration."""
    path = "/".join(quote(part, safe="") for part in (migration, *parts))
    return RedirectResponse(
        f"{CONSOLE}/migrations/{path}", HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"}
    )
