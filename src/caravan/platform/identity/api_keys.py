"""API keys: of an organisation, with scopes of their own; the secret is shown once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from caravan.core.database import AnySession, WriteSession
from caravan.core.ids import uuid7
from caravan.core.principal import NotFoundError, Principal
from caravan.platform import audit
from caravan.platform.identity.callers import person_of
from caravan.platform.identity.clients import get_client
from caravan.platform.identity.credential_tables import ApiKey
from caravan.platform.identity.errors import ApiKeyScopesError
from caravan.platform.identity.grants import check_client
from caravan.platform.identity.listing import Listed, list_by_id
from caravan.platform.identity.opaque_tokens import digest, new_api_key
from caravan.platform.identity.revocations import announce
from caravan.platform.identity.roles import PERMISSIONS

__all__ = ["create_api_key", "get_api_key", "list_api_keys", "revoke_api_key"]


async def create_api_key(
    session: WriteSession,
    principal: Principal,
    *,
    name: str,
    scopes: Sequence[str],
    client: str | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; returns it with its text, ``crv_<prefix>_<secret>``, of which only a digest stays.

    Raises:
        ApiKeyScopesError: scopes that do not exist, or that the caller does not hold.
    """
    allowed = PERMISSIONS if "admin" in principal.scopes else PERMISSIONS & principal.scopes
    wanted = sorted(set(scopes))
    if not wanted or not allowed.issuperset(wanted):
        raise ApiKeyScopesError(f"You can give a key one or more of: {', '.join(sorted(allowed))}.")
    text = new_api_key()
    key = ApiKey(
        org_id=principal.require_org(),
        id=uuid7(),
        name=name,
        prefix=text.prefix,
        secret_hash=digest(text.secret),
        scopes=wanted,
        client_id=(await get_client(session, principal, client)).id if client else principal.client,
        created_by=person_of(principal),
        expires_at=expires_at,
    )
    session.add(key)
    await session.flush()
    await session.refresh(key)
    after = {"name": name, "prefix": text.prefix, "scopes": wanted}
    await audit.record(
        session, principal, "identity.api_key_created", entity="api_key", entity_id=key.id, after=after
    )
    return key, str(text)


async def list_api_keys(
    session: AnySession, principal: Principal, *, limit: int, cursor: str | None
) -> Listed[ApiKey]:
    """Return the keys the caller sees, revoked ones too."""
    statement = select(ApiKey).where(ApiKey.org_id == principal.require_org())
    if principal.client is not None:
        statement = statement.where(ApiKey.client_id == principal.client)
    return await list_by_id(
        session, statement, ApiKey.__table__.c.id, name="api-keys", limit=limit, cursor=cursor
    )


async def get_api_key(session: AnySession, principal: Principal, which: UUID) -> ApiKey:
    """Return one key."""
    key = await session.get(ApiKey, (principal.require_org(), which))
    if key is None:
        raise NotFoundError("There is no such API key.")
    check_client(principal, key.client_id)
    return key


async def revoke_api_key(
    session: WriteSession, principal: Principal, which: UUID, *, now: datetime
) -> ApiKey:
    """End a key everywhere at once; a second time changes nothing."""
    key = await get_api_key(session, principal, which)
    if key.revoked_at is None:
        key.revoked_at = now
        await announce(session, key.id)
        await audit.record(session, principal, "identity.api_key_revoked", entity="api_key", entity_id=key.id)
    return key
