"""Writing an entry in the transaction of what it tells about."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from caravan.core.clock import utc_now
from caravan.core.ids import uuid7
from caravan.core.outbox import SYSTEM_WIDE, current_request_id
from caravan.core.principal import Principal
from caravan.platform.audit.content import Content, clean_text, cleaned
from caravan.platform.audit.models import AuditEntry

__all__ = ["Audit", "record"]


async def record(
    session: AsyncSession,
    principal: Principal,
    action: str,
    *,
    entity: str,
    entity_id: UUID | str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write one entry; it commits or rolls back with its cause, and is sealed within a second of the commit.

    Values of keys that sound secret are replaced. Without an organisation the entry is of the whole system.
    """
    content = Content(
        org=principal.org or SYSTEM_WIDE,
        id=uuid7(),
        created_at=utc_now(),
        principal=principal.label,
        action=action,
        entity=entity,
        entity_id=clean_text(str(entity_id)),
        before=cleaned(before),
        after=cleaned(after),
        request_id=current_request_id(),
    )
    await session.execute(
        insert(AuditEntry).values(
            org_id=content.org,
            id=content.id,
            created_at=content.created_at,
            principal=content.principal,
            action=content.action,
            entity=content.entity,
            entity_id=content.entity_id,
            before=content.before,
            after=content.after,
            request_id=content.request_id,
            content_hash=content.digest(),
        )
    )


class Audit:
    """The audit as core's protocol ``AuditSink`` wants it."""

    async def record(
        self,
        session: AsyncSession,
        principal: Principal,
        action: str,
        *,
        entity: str,
        entity_id: UUID | str,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Write one entry in the caller's transaction."""
        await record(
            session, principal, action, entity=entity, entity_id=entity_id, before=before, after=after
        )
