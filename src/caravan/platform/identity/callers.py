"""Callers who act on themselves: a person with a session of ours, neither a key nor a guest from the portal."""

from uuid import UUID

from sqlalchemy import select

from caravan.core.database import AnySession
from caravan.core.principal import ForbiddenError, Principal, PrincipalKind
from caravan.platform.identity.tenancy_tables import User

__all__ = ["own_user", "person_of"]


def person_of(principal: Principal) -> UUID | None:
    """Return the user behind a call, None for a key, a service or a guest."""
    own = principal.kind is PrincipalKind.USER and principal.session is not None
    return principal.id if own else None


async def own_user(session: AnySession, principal: Principal, *, lock: bool = False) -> User:
    """Return the caller's own row, locked when it is going to be changed; raises ``ForbiddenError`` for other callers."""
    user = None
    if (person := person_of(principal)) is not None:
        statement = select(User).where(User.id == person)
        user = await session.scalar(statement.with_for_update() if lock else statement)
    if user is None:
        raise ForbiddenError(
            "Only a person who has logged in here may do this, no API key and no other token."
        )
    return user
