"""Nobody gives what they do not have, nor touches who has more, nor reaches out of their client."""

from collections.abc import Iterable
from uuid import UUID

from caravan.core.principal import ForbiddenError, NotFoundError, Principal
from caravan.platform.identity.errors import RoleUnknownError
from caravan.platform.identity.roles import ADMIN, PERMISSIONS, role_named, scopes_of
from caravan.platform.identity.tenancy_tables import Membership

__all__ = ["check_client", "check_grant", "check_rank", "known_permissions"]


def known_permissions(permissions: Iterable[str]) -> list[str]:
    """Return the permission keys sorted and once each; raises ``RoleUnknownError`` for one that does not exist."""
    keys = sorted(set(permissions))
    if unknown := [key for key in keys if key not in PERMISSIONS]:
        listed = ", ".join(sorted(PERMISSIONS))
        raise RoleUnknownError(f"There is no permission {unknown[0]!r}; there are {listed}.")
    return keys


def check_grant(principal: Principal, role: str, permissions: Iterable[str]) -> None:
    """Raise ``ForbiddenError`` when a role and permissions would give more than the caller has."""
    _within(principal, scopes_of(role_named(role).name, permissions), "You cannot give more than you have")


def check_rank(principal: Principal, membership: Membership) -> None:
    """Raise ``ForbiddenError`` when a member may do more than the caller who wants to change it."""
    scopes = scopes_of(membership.role, membership.permissions)
    _within(principal, scopes, "You cannot change somebody who may do more than you")


def check_client(principal: Principal, client: UUID | None) -> None:
    """Raise ``NotFoundError`` when a caller bound to one client reaches for another, or for the whole organisation."""
    if principal.client is not None and client != principal.client:
        raise NotFoundError("There is nothing like that within your client.")


def _within(principal: Principal, scopes: frozenset[str], reason: str) -> None:
    beyond = sorted(scopes - principal.scopes)
    if ADMIN not in principal.scopes and beyond:
        raise ForbiddenError(f"{reason}: {', '.join(beyond)}.", needs=beyond)
