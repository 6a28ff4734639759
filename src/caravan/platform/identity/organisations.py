"""Organisations: the tenants."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select

from caravan.core.database import AnySession, WriteSession
from caravan.core.ids import uuid7
from caravan.core.principal import NotFoundError, Principal
from caravan.platform import audit
from caravan.platform.identity.callers import person_of
from caravan.platform.identity.conflicts import conflicts
from caravan.platform.identity.errors import CodeTakenError
from caravan.platform.identity.expectations import Expectation, anything
from caravan.platform.identity.tenancy_tables import Membership, Organisation

__all__ = ["create_organisation", "get_organisation", "list_organisations", "update_organisation"]

_FIRST_ROLE: Final = "org-owner"


async def create_organisation(
    session: WriteSession, principal: Principal, *, code: str, name: str
) -> Organisation:
    """Make an organisation; a person who makes one owns it. Needs the system's session: the tenant is new."""
    organisation = Organisation(id=uuid7(), code=code, name=name)
    taken = CodeTakenError(f"There is an organisation with the code {code!r}.")
    async with conflicts(session, {"uq_organisations_code": taken}):
        session.add(organisation)
    inside = principal.within(org=organisation.id, client=None, project=None)
    if (person := person_of(principal)) is not None:
        session.add(Membership(org_id=organisation.id, user_id=person, role=_FIRST_ROLE))
    await session.refresh(organisation)
    await audit.record(
        session,
        inside,
        "identity.organisation_created",
        entity="organisation",
        entity_id=organisation.id,
        after={"code": code, "name": name},
    )
    return organisation


async def list_organisations(session: AnySession, principal: Principal) -> Sequence[Organisation]:
    """Return the caller's organisations: a person's memberships, the one of any other credential."""
    statement = select(Organisation).order_by(Organisation.code)
    if (person := person_of(principal)) is not None:
        mine = select(Membership.org_id).where(Membership.user_id == person)
        return (await session.scalars(statement.where(Organisation.id.in_(mine)))).all()
    return (await session.scalars(statement.where(Organisation.id == principal.org))).all()


async def get_organisation(
    session: AnySession, principal: Principal, which: UUID, *, lock: bool = False
) -> Organisation:
    """Return the organisation of the call, locked when it is going to be changed; any other is not found."""
    organisation = None
    if which == principal.require_org():
        organisation = await session.get(Organisation, which, with_for_update=lock or None)
    if organisation is None:
        raise NotFoundError("There is no such organisation for you.")
    return organisation


async def update_organisation(
    session: WriteSession, principal: Principal, which: UUID, *, name: str, expect: Expectation = anything
) -> Organisation:
    """Rename the organisation of the call; its code stays, for others have written it down."""
    organisation = await get_organisation(session, principal, which, lock=True)
    expect(organisation)
    before, organisation.name = organisation.name, name
    await audit.record(
        session,
        principal,
        "identity.organisation_updated",
        entity="organisation",
        entity_id=which,
        before={"name": before},
        after={"name": name},
    )
    return organisation
