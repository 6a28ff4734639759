"""Asking for a message: it is sent once, after the commit."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from caravan.core.database import WriteSession
from caravan.core.outbox import emit
from caravan.core.principal import Principal

__all__ = ["MESSAGE_REQUESTED", "Channel", "request_message"]

MESSAGE_REQUESTED = "message.requested"
Channel = Literal["email", "sms"]


async def request_message(
    session: WriteSession,
    principal: Principal,
    *,
    channel: Channel,
    to: str,
    template: str,
    variables: Mapping[str, Any],
    idempotency_key: str,
) -> UUID:
    """Have a message sent once this transaction has committed, in the language ``variables["locale"]`` or the caller's.

    A second request with the same key (within an organisation) sends nothing.
    """
    payload = {
        "channel": channel,
        "to": to,
        "template": template,
        "variables": {"locale": principal.locale, **variables},
        "idempotency_key": idempotency_key,
    }
    return await emit(session, MESSAGE_REQUESTED, payload, principal=principal)
