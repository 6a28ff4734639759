"""Roles: the sheet's table, the portal's levels, and nothing for what is not known."""

import pytest

from caravan.platform.identity.errors import RoleUnknownError
from caravan.platform.identity.roles import PERMISSIONS, ROLES, portal_scopes, role_named, scopes_of

OURS = {"manage_jobs", "view_jobs", "view_migrations", "accept_differences", "switch_traffic"}


def test_the_permission_keys_are_those_of_the_portal_and_ours() -> None:
    assert sorted(PERMISSIONS - OURS) == [
        "admin",
        "ingest",
        "manage_clients",
        "manage_members",
        "manage_pricing",
        "manage_projects",
        "search",
        "view_client_secrets",
        "view_usage",
    ]
    assert OURS <= PERMISSIONS


def test_client_roles_may_do_what_the_portal_says() -> None:
    admin = {"manage_projects", "manage_members", "view_usage", "ingest", "search"}
    assert scopes_of("client-admin") == admin
    assert scopes_of("client-user") == {"ingest", "search"}


def test_the_portal_manager_holds_everything() -> None:
    assert scopes_of("portal-manager") == {"admin"}


def test_all_portal_levels_are_there() -> None:
    levels = {role.portal: role.level for role in ROLES.values() if role.level is not None}
    assert len(levels) == 23
    assert levels["OrgOwner"] == 100
    assert levels["GroupViewer"] == 2


def test_orders_are_read_from_staff_upwards_within_the_organisation() -> None:
    readers = {
        role.level
        for role in ROLES.values()
        if role.level and role.permissions & {"admin", "view_usage", "manage_projects"}
    }
    assert readers == {100, 90, 80, 70}


@pytest.mark.parametrize("role", ["retailer", "driver", "customer", "service", "a role of tomorrow"])
def test_roles_to_come_and_unknown_ones_grant_nothing(role: str) -> None:
    assert scopes_of(role) == frozenset()


def test_a_membership_adds_known_permissions_to_its_role() -> None:
    assert scopes_of("client-user", ["view_usage", "fly"]) == {"ingest", "search", "view_usage"}


def test_a_role_answers_to_both_its_names() -> None:
    assert role_named("OrgOwner") is role_named("org-owner")
    assert role_named("client-admin").name == "client-admin"


def test_an_unknown_role_is_named_with_those_there_are() -> None:
    with pytest.raises(RoleUnknownError, match="org-owner"):
        role_named("emperor")


def test_portal_scopes_are_its_permissions() -> None:
    assert portal_scopes(["org"], ["search"]) == {"search"}
    assert portal_scopes(["portal-manager"], ["search"]) == {"search", "admin"}
