"""The page of permissions says what the code does: every guarded route, every role, every level."""

import re

from caravan.core.http.router import RouteRule, route_rules
from caravan.entry.features import routers
from caravan.platform.identity.roles import ADMIN, PERMISSIONS, ROLES
from tests.unit.docs.markdown import ROOT, table

PAGE = (ROOT / "docs/migrations/rps/permissions.md").read_text(encoding="utf-8")
ROWS = table(PAGE, "endpoint", "permission: any of", "smallest level")


def spans(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def written(rule: RouteRule) -> str:
    """Return a route as the page names it."""
    return f"{rule.method} {re.sub('{[^}]*}', '{id}', rule.path)}"


def guarded() -> dict[str, set[str]]:
    rules = [
        rule for rule in route_rules(routers()) if not rule.public and not rule.path.startswith("/console")
    ]
    return {written(rule): {ADMIN, *rule.scopes} if rule.scopes else set() for rule in rules}


def test_every_guarded_route_stands_on_the_page_with_its_keys() -> None:
    told = {name: set(spans(row["permission: any of"])) for row in ROWS for name in spans(row["endpoint"])}
    assert told == guarded()


def test_the_smallest_level_is_the_lowest_role_of_the_organisation_that_holds_a_key() -> None:
    own = [role for role in ROLES.values() if role.level and role.portal.startswith("Org")]
    for row in ROWS:
        asked = set(spans(row["permission: any of"]))
        holders = [role for role in own if role.permissions & asked]
        lowest = min(holders, key=lambda role: role.level or 0).portal if asked else ""
        assert (row["endpoint"], row["smallest level"]) == (row["endpoint"], lowest)


def test_roles_hold_the_keys_that_the_page_says() -> None:
    names = table(PAGE, "role", "passes", "permission keys")
    levels = table(PAGE, "level", "role", "permission keys")
    told = {row["role"].strip("`"): set(spans(row["permission keys"])) for row in [*names, *levels]}
    ranked = {role.portal: role for role in ROLES.values() if role.level}
    known = {name: ROLES.get(name) or ranked[name] for name in told}
    assert told == {name: held(role.permissions) for name, role in known.items()}
    assert {row["role"]: int(row["level"]) for row in levels} == {
        name: role.level for name, role in ranked.items()
    }


def held(permissions: frozenset[str]) -> set[str]:
    """Return what a role may do when all is told: an administrator everything."""
    return set(PERMISSIONS if ADMIN in permissions else permissions)
