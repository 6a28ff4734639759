"""Identity in the background: messages with secrets in them, and what is swept by the clock."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete

from caravan.core.clock import utc_now
from caravan.core.database import Role, WriteSession
from caravan.core.outbox import SYSTEM_WIDE, Event, current_settings, handler
from caravan.core.schedules import schedule
from caravan.platform.identity.credential_tables import PasswordReset, RefreshFamily
from caravan.platform.identity.invites import INVITED, send_invite
from caravan.platform.identity.lockout import forget_old_failures
from caravan.platform.identity.password_reset import RESET_REQUESTED, send_password_reset
from caravan.platform.messaging import choose_notifier

__all__ = ["INVITE_PAGE", "RESET_PAGE", "mail_invite", "mail_password_reset", "sweep"]

RESET_PAGE: Final = "/console/password-reset"
INVITE_PAGE: Final = "/console/invitation"
_SWEEP: Final = "identity.sweep_due"
_ENDED_KEPT: Final = timedelta(days=30)

schedule("ended sessions", every=timedelta(hours=6), event=_SWEEP)


@handler(RESET_REQUESTED, name="send password reset", role=Role.SYSTEM)
async def mail_password_reset(session: WriteSession, event: Event) -> None:
    """Send the link. Each attempt makes its own token, so the key names the attempt too."""
    settings = current_settings()
    await send_password_reset(
        session,
        event.payload,
        notifier=choose_notifier(settings, "email", session, event.org),
        idempotency_key=f"password-reset:{event.id}:{event.attempt}",
        page=settings.url + RESET_PAGE,
        lifetime=timedelta(seconds=settings.password_reset_seconds),
        clock=utc_now,
    )


@handler(INVITED, name="send invitation", role=Role.SYSTEM)
async def mail_invite(session: WriteSession, event: Event) -> None:
    """Send the link, with a token of each attempt's own."""
    settings = current_settings()
    await send_invite(
        session,
        event.org or SYSTEM_WIDE,
        UUID(event.payload["invite_id"]),
        notifier=choose_notifier(settings, "email", session, event.org),
        idempotency_key=f"invite:{event.id}:{event.attempt}",
        page=settings.url + INVITE_PAGE,
        clock=utc_now,
    )


@handler(_SWEEP, name="sweep ended sessions", role=Role.SYSTEM)
async def sweep(session: WriteSession, event: Event) -> None:  # noqa: ARG001 - the clock is all it says
    """Remove sessions a month after their end, expired reset tokens and old counts of failures."""
    now = utc_now()
    old = now - _ENDED_KEPT
    await session.execute(delete(RefreshFamily).where(RefreshFamily.expires_at < old))
    await session.execute(delete(RefreshFamily).where(RefreshFamily.revoked_at < old))
    await session.execute(delete(PasswordReset).where(PasswordReset.expires_at < now))
    await forget_old_failures(session, now)
