"""Organisations, clients and projects over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from caravan.core.http import (
    Envelope,
    Page,
    Read,
    SystemRead,
    SystemWrite,
    Write,
    api_router,
    envelope,
    guard,
    page,
)
from caravan.core.http.conditions import CREATES, READS, WRITES, Conditional
from caravan.core.paging import DEFAULT_LIMIT, MAX_LIMIT, CursorError
from caravan.core.principal import NotFoundError, Principal
from caravan.platform.identity.clients import create_client, get_client, list_clients, update_client
from caravan.platform.identity.errors import CodeTakenError
from caravan.platform.identity.organisations import (
    create_organisation,
    get_organisation,
    list_organisations,
    update_organisation,
)
from caravan.platform.identity.projects import create_project, get_project, list_projects, update_project
from caravan.platform.identity.schemas import (
    ClientIn,
    ClientOut,
    OrganisationIn,
    OrganisationOut,
    ProjectIn,
    ProjectOut,
    Renamed,
)

__all__ = ["clients", "organisations", "projects"]

_ERRORS = (CodeTakenError, CursorError, NotFoundError)
organisations = api_router("organisations", prefix="/api/v1/organisations", errors=_ERRORS)
clients = api_router("clients", prefix="/api/v1/clients", errors=_ERRORS)
projects = api_router("projects", prefix="/api/v1/projects", errors=_ERRORS)

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str | None, Query(max_length=500)]


@organisations.get("", operation_id="listOrganisations")
async def all_organisations(
    session: SystemRead, caller: Principal = guard()
) -> Envelope[list[OrganisationOut]]:
    rows = await list_organisations(session, caller)
    return envelope([OrganisationOut.model_validate(row) for row in rows])


@organisations.post("", operation_id="createOrganisation", status_code=201, **CREATES)
async def new_organisation(
    body: OrganisationIn, session: SystemWrite, conditions: Conditional, caller: Principal = guard("admin")
) -> Envelope[OrganisationOut]:
    made = await create_organisation(session, caller, code=body.code, name=body.name)
    return conditions.answer(OrganisationOut.model_validate(made))


@organisations.get("/{organisation_id}", operation_id="getOrganisation", **READS)
async def one_organisation(
    organisation_id: UUID, session: Read, conditions: Conditional, caller: Principal = guard()
) -> Envelope[OrganisationOut]:
    found = await get_organisation(session, caller, organisation_id)
    return conditions.answer(OrganisationOut.model_validate(found))


@organisations.patch("/{organisation_id}", operation_id="updateOrganisation", **WRITES)
async def rename_organisation(
    organisation_id: UUID,
    body: Renamed,
    session: Write,
    conditions: Conditional,
    caller: Principal = guard("admin"),
) -> Envelope[OrganisationOut]:
    expect = conditions.expect(OrganisationOut)
    changed = await update_organisation(session, caller, organisation_id, name=body.name, expect=expect)
    return conditions.answer(OrganisationOut.model_validate(changed))


@clients.get("", operation_id="listClients")
async def all_clients(
    session: Read,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    caller: Principal = guard("manage_clients", "manage_projects", "view_usage"),
) -> Page[ClientOut]:
    found = await list_clients(session, caller, limit=limit, cursor=cursor)
    rows = [ClientOut.model_validate(row) for row in found.items]
    return page(rows, limit=limit, following=found.following)


@clients.post("", operation_id="createClient", status_code=201, **CREATES)
async def new_client(
    body: ClientIn, session: Write, conditions: Conditional, caller: Principal = guard("manage_clients")
) -> Envelope[ClientOut]:
    made = await create_client(session, caller, code=body.code, name=body.name)
    return conditions.answer(ClientOut.model_validate(made))


@clients.get("/{client}", operation_id="getClient", **READS)
async def one_client(
    client: str,
    session: Read,
    conditions: Conditional,
    caller: Principal = guard("manage_clients", "manage_projects", "view_usage"),
) -> Envelope[ClientOut]:
    return conditions.answer(ClientOut.model_validate(await get_client(session, caller, client)))


@clients.patch("/{client}", operation_id="updateClient", **WRITES)
async def rename_client(
    client: str,
    body: Renamed,
    session: Write,
    conditions: Conditional,
    caller: Principal = guard("manage_clients"),
) -> Envelope[ClientOut]:
    expect = conditions.expect(ClientOut)
    changed = await update_client(session, caller, client, name=body.name, expect=expect)
    return conditions.answer(ClientOut.model_validate(changed))


@projects.get("", operation_id="listProjects")
async def all_projects(
    session: Read,
    client: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    caller: Principal = guard("manage_projects", "view_usage"),
) -> Page[ProjectOut]:
    found = await list_projects(session, caller, client=client, limit=limit, cursor=cursor)
    rows = [ProjectOut.model_validate(row) for row in found.items]
    return page(rows, limit=limit, following=found.following)


@projects.post("", operation_id="createProject", status_code=201, **CREATES)
async def new_project(
    body: ProjectIn, session: Write, conditions: Conditional, caller: Principal = guard("manage_projects")
) -> Envelope[ProjectOut]:
    made = await create_project(session, caller, code=body.code, name=body.name, client=body.client)
    return conditions.answer(ProjectOut.model_validate(made))


@projects.get("/{project}", operation_id="getProject", **READS)
async def one_project(
    project: str,
    session: Read,
    conditions: Conditional,
    caller: Principal = guard("manage_projects", "view_usage"),
) -> Envelope[ProjectOut]:
    return conditions.answer(ProjectOut.model_validate(await get_project(session, caller, project)))


@projects.patch("/{project}", operation_id="updateProject", **WRITES)
async def rename_project(
    project: str,
    body: Renamed,
    session: Write,
    conditions: Conditional,
    caller: Principal = guard("manage_projects"),
) -> Envelope[ProjectOut]:
    expect = conditions.expect(ProjectOut)
    changed = await update_project(session, caller, project, name=body.name, expect=expect)
    return conditions.answer(ProjectOut.model_validate(changed))
