"""Projects of an organisation, some of them of one client."""

from uuid import UUID

from sqlalchemy import select

from caravan.core.database import AnySession, WriteSession
from caravan.core.ids import uuid7
from caravan.core.principal import NotFoundError, Principal
from caravan.platform import audit
from caravan.platform.identity.clients import get_client
from caravan.platform.identity.conflicts import conflicts
from caravan.platform.identity.errors import CodeTakenError
from caravan.platform.identity.expectations import Expectation, anything
from caravan.platform.identity.listing import Listed, list_by_id
from caravan.platform.identity.places import find_project
from caravan.platform.identity.tenancy_tables import Project

__all__ = ["create_project", "get_project", "list_projects", "update_project"]


async def create_project(
    session: WriteSession, principal: Principal, *, code: str, name: str, client: str | None
) -> Project:
    """Make a project, of a client (by id or code) or of the whole organisation; a bound caller's is its client's."""
    client_id: UUID | None = principal.client
    if client is not None:
        client_id = (await get_client(session, principal, client)).id
    project = Project(org_id=principal.require_org(), id=uuid7(), client_id=client_id, code=code, name=name)
    taken = CodeTakenError(f"There is a project with the code {code!r}.")
    async with conflicts(session, {"uq_projects_org_id_code": taken}):
        session.add(project)
    await session.refresh(project)
    after = {"code": code, "name": name, "client_id": str(client_id) if client_id else None}
    await audit.record(
        session, principal, "identity.project_created", entity="project", entity_id=project.id, after=after
    )
    return project


async def list_projects(
    session: AnySession, principal: Principal, *, client: str | None, limit: int, cursor: str | None
) -> Listed[Project]:
    """Return the projects the caller sees; a bound caller sees those of its client."""
    client_id = principal.client
    if client is not None:
        client_id = (await get_client(session, principal, client)).id
    statement = select(Project).where(Project.org_id == principal.require_org())
    if client_id is not None:
        statement = statement.where(Project.client_id == client_id)
    return await list_by_id(
        session, statement, Project.__table__.c.id, name="projects", limit=limit, cursor=cursor
    )


async def get_project(session: AnySession, principal: Principal, name: str, *, lock: bool = False) -> Project:
    """Return a project by id or code, locked when it is going to be changed."""
    org = principal.require_org()
    found = await find_project(session, org, name, client=principal.client)
    if found is None:
        raise NotFoundError("There is no such project.")
    return await session.get_one(Project, (org, found), with_for_update=lock or None)


async def update_project(
    session: WriteSession, principal: Principal, which: str, *, name: str, expect: Expectation = anything
) -> Project:
    """Rename a project; its code stays, for others have written it down."""
    project = await get_project(session, principal, which, lock=True)
    expect(project)
    before, project.name = project.name, name
    await audit.record(
        session,
        principal,
        "identity.project_updated",
        entity="project",
        entity_id=project.id,
        before={"name": before},
        after={"name": name},
    )
    return project
