"""What the console needs of identity: log in, go on, leave, change or reset a password, join."""

from dataclasses import dataclass
from typing import Protocol

from caravan.core.principal import Principal

__all__ = ["Accounts", "Invitation", "Joining", "Tokens", "Visitor"]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a log-in comes from, for the list of sessions."""

    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """A session's tokens and how long each is good for, in seconds."""

    access: str
    access_seconds: int
    refresh: str
    refresh_seconds: int
    must_change_password: bool = False


@dataclass(frozen=True, slots=True)
class Invitation:
    """Who is invited where; a person with an account joins with the password they have."""

    organisation: str
    email: str
    has_account: bool


@dataclass(frozen=True, slots=True)
class Joining:
    """What an invited person says; with an account nothing but the token counts."""

    token: str
    password: str
    display_name: str | None = None
    username: str | None = None


class Accounts(Protocol):
    """Each call is a transaction of its own, because a refused log-in is counted and must be kept."""

    async def log_in(self, name: str, password: str, code: str | None, visitor: Visitor) -> Tokens:
        """Check e-mail or user name, password and one-time code.

        Raises:
            CaravanError: with the code ``totp_required`` when a one-time code is needed, else what was wrong.
        """

    async def renew(self, refresh: str) -> Tokens:
        """Use a refresh token up and return the next pair; raises ``UnauthenticatedError``."""

    async def log_out(self, caller: Principal, refresh: str | None) -> None:
        """End the caller's session, and that of the refresh token."""

    async def change_password(self, tokens: Tokens, current: str, new: str) -> Tokens:
        """Set another password for the user behind these tokens and return those that are good from now on.

        Raises:
            CaravanError: when the new password is too weak.
        """

    async def ask_for_reset(self, name: str) -> None:
        """Have a link sent to the user of this e-mail or user name; nothing tells whether there is one."""

    async def check_reset(self, token: str) -> None:
        """Raise ``CaravanError`` with the code ``reset_token_invalid`` unless the token is good."""

    async def reset_password(self, token: str, new: str) -> None:
        """Set a new password and end every session of its user.

        Raises:
            CaravanError: as ``check_reset``; or the password is too weak, and the token stays good.
        """

    async def invitation(self, token: str) -> Invitation:
        """Return the invitation of a token; raises ``CaravanError`` with the code ``invite_invalid``."""

    async def join(self, joining: Joining) -> None:
        """Accept an invitation.

        Raises:
            CaravanError: as ``invitation``; or what was wrong with the answers, and the invitation stays good.
        """
