"""Clients of an organisation."""

import secrets
from typing import Final
from uuid import UUID

from sqlalchemy import select

from caravan.core.database import AnySession, WriteSession
from caravan.core.ids import uuid7
from caravan.core.principal import ForbiddenError, NotFoundError, Principal
from caravan.platform import audit
from caravan.platform.identity.conflicts import conflicts
from caravan.platform.identity.errors import CodeTakenError
from caravan.platform.identity.expectations import Expectation, anything
from caravan.platform.identity.listing import Listed, list_by_id
from caravan.platform.identity.places import find_client
from caravan.platform.identity.tenancy_tables import Client

__all__ = ["create_client", "get_client", "list_clients", "new_client_code", "update_client"]

_ALPHABET: Final = "abcdefghijklmnpqrstuvwxyz23456789"


def new_client_code() -> str:
    """Return six characters without those that are mistaken for each other, as the portal makes them."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(6))


async def create_client(
    session: WriteSession, principal: Principal, *, code: str | None, name: str
) -> Client:
    """Make a client; without a code it gets a random one."""
    if principal.client is not None:
        raise ForbiddenError("A caller bound to one client cannot make another.")
    client = Client(org_id=principal.require_org(), id=uuid7(), code=code or new_client_code(), name=name)
    taken = CodeTakenError(f"There is a client with the code {client.code!r}.")
    async with conflicts(session, {"uq_clients_org_id_code": taken}):
        session.add(client)
    await session.refresh(client)
    after = {"code": client.code, "name": name}
    await audit.record(
        session, principal, "identity.client_created", entity="client", entity_id=client.id, after=after
    )
    return client


async def list_clients(
    session: AnySession, principal: Principal, *, limit: int, cursor: str | None
) -> Listed[Client]:
    """Return the clients the caller sees: all, or the one it is bound to."""
    statement = select(Client).where(Client.org_id == principal.require_org())
    if principal.client is not None:
        statement = statement.where(Client.id == principal.client)
    return await list_by_id(
        session, statement, Client.__table__.c.id, name="clients", limit=limit, cursor=cursor
    )


async def get_client(session: AnySession, principal: Principal, name: str, *, lock: bool = False) -> Client:
    """Return a client by id or code, locked when it is going to be changed."""
    org = principal.require_org()
    found: UUID | None = await find_client(session, org, name)
    if found is None or principal.client not in {None, found}:
        raise NotFoundError("There is no such client.")
    return await session.get_one(Client, (org, found), with_for_update=lock or None)


async def update_client(
    session: WriteSession, principal: Principal, which: str, *, name: str, expect: Expectation = anything
) -> Client:
    """Rename a client; its code stays, for others have written it down."""
    client = await get_client(session, principal, which, lock=True)
    expect(client)
    before, client.name = client.name, name
    await audit.record(
        session,
        principal,
        "identity.client_updated",
        entity="client",
        entity_id=client.id,
        before={"name": before},
        after={"name": name},
    )
    return client
