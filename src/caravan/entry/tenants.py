"""The organisation and client that a migration file names, made when absent."""

import asyncio
import re
from typing import Final
from uuid import UUID

from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.errors import CaravanError
from caravan.platform.identity import IdentityTenantDirectory

__all__ = ["TenantCodeError", "ensured_tenants"]

_CODE: Final = re.compile(r"[a-z0-9-]{3,32}")  # as the tables of identity have it


class TenantCodeError(CaravanError):
    code = "tenant_code_invalid"
    status = 422
    title = "This cannot be the code of an organisation or a client"
    fix = "Write 3 to 32 small letters, digits and hyphens, such as demo or acme-eu, under [migration] of the file."
    exit_code = 2


def ensured_tenants(address: DatabaseAddress, org: str, client: str | None) -> tuple[UUID, UUID | None]:
    """Return the ids of organisation and client by code; called outside of any event loop. Raises ``TenantCodeError``."""
    for name, value in (("org", org), ("client", client)):
        if value is not None and not _CODE.fullmatch(value):
            raise TenantCodeError(f"migration: {name} = {value!r} cannot be a code.")

    async def inside() -> tuple[UUID, UUID | None]:
        system = Database(address, role=Role.SYSTEM, pool=1, read_pool=1, application="caravan load")
        try:
            return await IdentityTenantDirectory(system).ensure(org, client)
        finally:
            await system.close()

    return asyncio.run(inside())
