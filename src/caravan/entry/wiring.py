"""The protocols of the ground floor, given their implementations."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from caravan.core.database import Database, Role
from caravan.core.errors import CaravanError
from caravan.core.http.credentials import Credentials
from caravan.core.protocols import AuditSink, Authenticator
from caravan.core.settings import Settings
from caravan.platform.audit import Audit
from caravan.platform.identity import Identity, IdentityAuthenticator, watch_revocations

__all__ = ["RoleBypassesSecurityError", "authentication", "refuse_unsafe_role", "watch_revoked"]


class RoleBypassesSecurityError(CaravanError):
    code = "role_bypasses_security"
    status = 500
    title = "The service's database role is not bound by row-level security"
    fix = "Run `caravan db migrate` with a user who may make roles, or have the statements of `caravan db roles` run."


def authentication(settings: Settings, system: Database) -> tuple[Authenticator, AuditSink, dict[str, Any]]:
    """Return who checks credentials, who keeps the audit, and what identity's routes need."""
    identity = Identity.open(settings, system)
    return IdentityAuthenticator(identity), Audit(), {"identity": identity}


async def refuse_unsafe_role(database: Database) -> None:
    """Refuse to serve when the connections' role could see every tenant."""
    unsafe = await database.fetch_value(
        "SELECT current_user <> $1 OR rolsuper OR rolbypassrls OR EXISTS"
        " (SELECT FROM pg_tables WHERE tableowner = current_user AND schemaname NOT LIKE 'pg\\_temp%')"
        " FROM pg_roles WHERE rolname = current_user",
        str(Role.APP),
    )
    if unsafe:
        raise RoleBypassesSecurityError(
            f"The service must connect as {Role.APP}: no superuser, no BYPASSRLS, owner of no table."
        )


@asynccontextmanager
async def watch_revoked(system: Database, credentials: Credentials) -> AsyncIterator[None]:
    """Forget remembered credentials as soon as they are revoked, wherever that happened."""

    def revoked(reference: UUID | None) -> None:
        if reference is None:
            credentials.forget_all()
        else:
            credentials.revoke(reference)

    listening = asyncio.create_task(watch_revocations(system, revoked))
    try:
        yield
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
