"""The provider that sends nothing, and keeps what it would have sent."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.dialects.postgresql import insert

from caravan.core.database import WriteSession
from caravan.core.ids import uuid7
from caravan.core.outbox import SYSTEM_WIDE
from caravan.platform.messaging.models import KeptMessage
from caravan.platform.messaging.rendering import render

__all__ = ["NullNotifier"]

log = structlog.get_logger(__name__)


class NullNotifier:
    """Keeps messages in ``kept_messages``, in the transaction of ``session``, as ``org``'s."""

    def __init__(self, session: WriteSession, org: UUID | None) -> None:
        self._session = session
        self._org = org or SYSTEM_WIDE

    async def send(
        self, *, channel: str, to: str, template: str, variables: Mapping[str, Any], idempotency_key: str
    ) -> None:
        """Render and keep one message; one of a known key is not kept again."""
        rendered = render(template, channel, str(variables.get("locale", "en")), variables)
        row = {
            "org_id": self._org,
            "id": uuid7(),
            "channel": channel,
            "recipient": to,
            "template": template,
            "locale": rendered.locale,
            "subject": rendered.subject,
            "body": rendered.body,
            "variables": dict(variables),
            "idempotency_key": idempotency_key,
        }
        kept = (
            insert(KeptMessage)
            .values(row)
            .on_conflict_do_nothing(constraint="uq_kept_messages_org_id_idempotency_key")
        )
        await self._session.execute(kept)
        log.info(
            "message.not_sent",
            reason=f"the null provider is chosen: CARAVAN_{channel.upper()}_PROVIDER=null",
            channel=channel,
            template=template,
            kept_in="kept_messages",
        )
