"""Organisations, clients and projects by what callers name them with, and what a caller may choose of them."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, case, or_, select

from caravan.core.database import AnySession
from caravan.core.principal import NotFoundError
from caravan.core.protocols import TenancyRequest
from caravan.platform.identity.tenancy_tables import Client, Organisation, Project

__all__ = [
    "Place",
    "choose_place",
    "find_client",
    "find_organisation",
    "find_project",
    "organisation_of_client_code",
]

_MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call takes place; a client or project only ever within its organisation."""

    org: UUID
    client: UUID | None = None
    project: UUID | None = None


async def find_organisation(session: AnySession, name: str) -> UUID | None:
    """Return the organisation with this id, code or legacy id, in that order."""
    return await _find(session, Organisation, name)


async def find_client(session: AnySession, org: UUID, name: str) -> UUID | None:
    """Return the client of ``org`` with this id, code or legacy id."""
    return await _find(session, Client, name, Client.org_id == org)


async def find_project(session: AnySession, org: UUID, name: str, *, client: UUID | None) -> UUID | None:
    """Return the project of ``org`` with this id, code or legacy id; with a client, only one of that client."""
    conditions = [Project.org_id == org]
    if client is not None:
        conditions.append(Project.client_id == client)
    return await _find(session, Project, name, *conditions)


async def organisation_of_client_code(session: AnySession, code: str) -> Place | None:
    """Return the one client with this code among all organisations, None when there are none or several."""
    if not _plausible(code):
        return None
    found = (
        await session.execute(select(Client.org_id, Client.id).where(Client.code == code).limit(2))
    ).all()
    return Place(found[0].org_id, found[0].id) if len(found) == 1 else None


async def choose_place(session: AnySession, bound: Place, request: TenancyRequest) -> Place:
    """Narrow ``bound``, where the credential holds, to what the request names.

    Raises:
        NotFoundError: for anything outside of ``bound``, whether it exists or not.
    """
    if request.org is not None and await find_organisation(session, request.org) != bound.org:
        raise NotFoundError("There is no such organisation for you.")
    client, project = bound.client, bound.project
    if request.client is not None:
        named = await find_client(session, bound.org, request.client)
        if named is None or client not in {None, named}:
            raise NotFoundError("There is no such client in your organisation.")
        client = named
    if request.project is not None:
        named = await find_project(session, bound.org, request.project, client=client)
        if named is None or project not in {None, named}:
            raise NotFoundError("There is no such project in your organisation.")
        project = named
    return Place(bound.org, client, project)


async def _find(
    session: AnySession,
    table: type[Organisation | Client | Project],
    name: str,
    *conditions: ColumnElement[bool],
) -> UUID | None:
    if not _plausible(name):
        return None
    matches: list[ColumnElement[bool]] = [table.code == name, table.external_id == name]
    with suppress(ValueError):
        matches.insert(0, table.id == UUID(name))
    order = case(*((match, rank) for rank, match in enumerate(matches)))
    return await session.scalar(select(table.id).where(or_(*matches), *conditions).order_by(order).limit(1))


def _plausible(name: str) -> bool:
    """PostgreSQL takes no NUL in text, and nothing of ours is that long."""
    return len(name) <= _MAX_NAME and "\0" not in name
