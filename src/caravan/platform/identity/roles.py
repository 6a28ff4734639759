"""Roles and what they may do, as a table; the sheet's roles, the portal's levels, and room for the roles to come."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from caravan.platform.identity.errors import RoleUnknownError

__all__ = ["ADMIN", "PERMISSIONS", "ROLES", "Role", "portal_scopes", "role_named", "scopes_of"]

ADMIN: Final = "admin"
PERMISSIONS: Final = frozenset(
    {
        ADMIN,
        "manage_clients",
        "manage_projects",
        "manage_members",
        "manage_pricing",
        "view_usage",
        "ingest",
        "search",
        "view_client_secrets",
        # Ours, beyond the portal's nine.
        "manage_jobs",
        "view_jobs",
        "view_migrations",
        "accept_differences",
        "switch_traffic",
    }
)
_ADMIN: Final = frozenset({ADMIN})
_CONFIGURE: Final = PERMISSIONS - _ADMIN
_RUN: Final = frozenset(
    {
        "manage_clients",
        "manage_projects",
        "manage_members",
        "view_usage",
        "view_migrations",
        "ingest",
        "search",
    }
)
_CLIENT_ADMIN: Final = frozenset({"manage_projects", "manage_members", "view_usage", "ingest", "search"})
_READ: Final = frozenset({"view_usage", "view_migrations", "ingest", "search"})
_LEAD: Final = frozenset({"manage_members", "ingest", "search"})
_WORK: Final = frozenset({"ingest", "search"})
_LOOK: Final = frozenset({"search"})
_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Role:
    """``portal`` is the portal's name of the role, ``level`` its rank there (100 owns all, None where it has none)."""

    name: str
    permissions: frozenset[str]
    portal: str = ""
    level: int | None = None


ROLES: Final = {
    role.name: role
    for role in (
        # The portal's own role strings; its manager passes every guard there, so here too.
        Role("portal-manager", _ADMIN, "portal-manager"),
        Role("org", _NONE, "org"),
        Role("user", _WORK, "user"),
        Role("client", _WORK, "client"),
        Role("client-admin", _CLIENT_ADMIN, "client-admin"),
        Role("client-user", _WORK, "client-user"),
        # The portal's levels. There `read` of orders needs OrgStaff and `configure` OrgAdmin: below OrgStaff no key is
        # given that opens orders (view_usage, manage_projects, admin).
        Role("org-owner", _ADMIN, "OrgOwner", 100),
        Role("org-admin", _CONFIGURE, "OrgAdmin", 90),
        Role("org-account-manager", _RUN, "OrgAccountManager", 80),
        Role("org-staff", _READ, "OrgStaff", 70),
        Role("org-employee", _WORK, "OrgEmployee", 60),
        Role("client-owner", _LEAD, "ClientOwner", 55),
        Role("client-manager", _LEAD, "ClientAdmin", 50),
        Role("client-auditor", _LOOK, "ClientAuditor", 45),
        Role("client-staff", _WORK, "ClientStaff", 40),
        Role("client-employee", _WORK, "ClientEmployee", 35),
        Role("company-admin", _WORK, "CompanyAdmin", 30),
        Role("company-manager", _WORK, "CompanyManager", 25),
        Role("company-auditor", _LOOK, "CompanyAuditor", 20),
        Role("department-admin", _WORK, "DepartmentAdmin", 18),
        Role("department-manager", _WORK, "DepartmentManager", 16),
        Role("department-auditor", _LOOK, "DepartmentAuditor", 14),
        Role("team-owner", _WORK, "TeamOwner", 12),
        Role("team-manager", _WORK, "TeamManager", 10),
        Role("team-contributor", _WORK, "TeamContributor", 8),
        Role("team-viewer", _LOOK, "TeamViewer", 6),
        Role("group-leader", _WORK, "GroupLeader", 4),
        Role("group-contributor", _WORK, "GroupContributor", 3),
        Role("group-viewer", _LOOK, "GroupViewer", 2),
        # To come with the systems that need them; what they may do is granted there.
        Role("retailer", _NONE),
        Role("driver", _NONE),
        Role("customer", _NONE),
        Role("service", _NONE),
    )
}
_BY_PORTAL_NAME: Final = {role.portal: role for role in ROLES.values() if role.portal}


def role_named(name: str) -> Role:
    """Return a role by its name here or in the portal; raises ``RoleUnknownError``."""
    role = ROLES.get(name) or _BY_PORTAL_NAME.get(name)
    if role is None:
        raise RoleUnknownError(f"There is no role {name!r}; there are {', '.join(ROLES)}.")
    return role


def scopes_of(role: str, permissions: Iterable[str] = ()) -> frozenset[str]:
    """Return what a membership may do; a role that this version does not know grants nothing."""
    known = ROLES.get(role)
    return (known.permissions if known else _NONE) | (PERMISSIONS & frozenset(permissions))


def portal_scopes(roles: Iterable[str], permissions: Iterable[str]) -> frozenset[str]:
    """Return the scopes of a portal token: its permission keys, and everything for a portal manager.

    Its other roles add nothing, because the portal itself judges by ``perms`` alone.
    """
    granted = PERMISSIONS & frozenset(permissions)
    return granted | _ADMIN if "portal-manager" in roles else granted
