"""What somebody who holds an invitation's link may know before accepting it."""

from dataclasses import dataclass

from sqlalchemy import select

from caravan.platform.identity.errors import InviteInvalidError
from caravan.platform.identity.log_in import find_user
from caravan.platform.identity.opaque_tokens import digest
from caravan.platform.identity.parts import Identity
from caravan.platform.identity.tenancy_tables import Invite, Organisation

__all__ = ["OpenInvite", "read_open_invite"]


@dataclass(frozen=True, slots=True)
class OpenInvite:
    """``has_account``: the person keeps the password they have, and only joins."""

    organisation: str
    email: str
    has_account: bool


async def read_open_invite(identity: Identity, token: str) -> OpenInvite:
    """Return the invitation behind a token, which is not used up.

    Raises:
        InviteInvalidError: unknown, used, taken back or expired.
    """
    async with identity.system.read() as session:
        invite = await session.scalar(
            select(Invite).where(
                Invite.token_hash == digest(token),
                Invite.accepted_at.is_(None),
                Invite.revoked_at.is_(None),
                Invite.expires_at > identity.clock(),
            )
        )
        if invite is None:
            raise InviteInvalidError
        organisation = await session.get_one(Organisation, invite.org_id)
        known = await find_user(session, invite.email)
        return OpenInvite(organisation.name, invite.email, known is not None)
