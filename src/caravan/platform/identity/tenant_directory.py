"""Organisation and client by code, made when absent: for loads that bring their own tenants."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from caravan.core.database import Database
from caravan.core.ids import uuid7
from caravan.platform.identity.tenancy_tables import Client, Organisation

__all__ = ["IdentityTenantDirectory"]


class IdentityTenantDirectory:
    """Implements ``caravan.core.protocols.TenantDirectory`` as the system."""

    def __init__(self, system: Database) -> None:
        self._system = system

    async def ensure(self, org: str, client: str | None) -> tuple[UUID, UUID | None]:
        """Return the ids of an organisation and client by code, made when absent; any number may ask at once."""
        async with self._system.write() as session:
            made = insert(Organisation).values(id=uuid7(), code=org, name=org)
            await session.execute(made.on_conflict_do_nothing(index_elements=[Organisation.code]))
            org_id = (await session.scalars(select(Organisation.id).where(Organisation.code == org))).one()
            if client is None:
                return org_id, None
            made = insert(Client).values(org_id=org_id, id=uuid7(), code=client, name=client)
            await session.execute(made.on_conflict_do_nothing(index_elements=[Client.org_id, Client.code]))
            found = select(Client.id).where(Client.org_id == org_id, Client.code == client)
            return org_id, (await session.scalars(found)).one()
