"""Sending what was asked for, by the provider that the settings choose."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias
from uuid import UUID

from caravan.core.database import WriteSession
from caravan.core.outbox import Event, ParkError, current_settings, handler
from caravan.core.protocols import Notifier
from caravan.core.settings import Settings
from caravan.platform.messaging.errors import MessageInvalidError
from caravan.platform.messaging.null_provider import NullNotifier
from caravan.platform.messaging.requests import MESSAGE_REQUESTED

__all__ = ["choose_notifier", "send_requested_message"]

_Maker: TypeAlias = Callable[[WriteSession, UUID | None], Notifier]
_PROVIDERS: Final[Mapping[str, _Maker]] = {"null": NullNotifier}


def choose_notifier(settings: Settings, channel: str, session: WriteSession, org: UUID | None) -> Notifier:
    """Return the provider of a channel; raises ``MessageInvalidError`` for one that there is not."""
    providers = {"email": settings.email_provider, "sms": settings.sms_provider}
    if channel not in providers:
        raise MessageInvalidError(
            f"There is no channel {channel!r}; there are {', '.join(sorted(providers))}."
        )
    return _PROVIDERS[providers[channel]](session, org)


@handler(MESSAGE_REQUESTED, name="send message")
async def send_requested_message(session: WriteSession, event: Event) -> None:
    """Send one message; a mistake in its template is parked, as trying again would not mend it."""
    wanted = event.payload
    try:
        notifier = choose_notifier(current_settings(), wanted["channel"], session, event.org)
        await notifier.send(
            channel=wanted["channel"],
            to=wanted["to"],
            template=wanted["template"],
            variables=wanted["variables"],
            idempotency_key=wanted["idempotency_key"],
        )
    except MessageInvalidError as error:
        raise ParkError(error.message) from error
