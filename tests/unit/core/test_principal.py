"""A principal knows what it may do, and for whom."""

from uuid import UUID

import pytest

from caravan.core.principal import (
    ANONYMOUS,
    ForbiddenError,
    OrgRequiredError,
    Principal,
    PrincipalKind,
    UnauthenticatedError,
)

ID = UUID("019a0000-0000-7000-8000-000000000001")
ORG = UUID("019a0000-0000-7000-8000-000000000002")


def user(*scopes: str, org: UUID | None = ORG) -> Principal:
    return Principal(PrincipalKind.USER, id=ID, org=org, scopes=frozenset(scopes))


def test_one_of_the_scopes_is_enough() -> None:
    assert user("view_usage").may("admin", "view_usage")
    assert not user("search").may("admin", "view_usage")


def test_admin_holds_every_scope() -> None:
    user("admin").require("manage_clients")


def test_a_missing_scope_is_named() -> None:
    with pytest.raises(ForbiddenError, match="manage_clients or manage_members") as caught:
        user("search").require("manage_clients", "manage_members")
    assert caught.value.details == {"needs": ["manage_clients", "manage_members"]}


def test_without_an_organisation_there_is_no_tenant() -> None:
    assert user().require_org() == ORG
    with pytest.raises(OrgRequiredError):
        user(org=None).require_org()


def test_labels_are_short_and_stable() -> None:
    assert user().label == f"user:{ID}"
    assert ANONYMOUS.label == "anonymous"


def test_tenancy_can_be_narrowed() -> None:
    inside = user("admin").within(org=ORG, client=ID, project=None)
    assert (inside.org, inside.client, inside.project) == (ORG, ID, None)
    assert inside.scopes == {"admin"}


def test_a_missing_log_in_asks_for_a_bearer_token() -> None:
    assert UnauthenticatedError().headers() == {"WWW-Authenticate": "Bearer"}
