"""Users and memberships: nobody gives more than they have, and no organisation reaches into another."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from caravan.core.errors import CaravanError
from caravan.core.principal import ForbiddenError, NotFoundError, Principal
from caravan.core.protocols import TenancyRequest
from caravan.platform.identity import IdentityTenantDirectory
from caravan.platform.identity.errors import (
    EmailTakenError,
    InvalidCredentialsError,
    LastAdminError,
    MemberExistsError,
    PasswordTooWeakError,
    RoleUnknownError,
    TokenInvalidError,
    UserElsewhereError,
    UsernameTakenError,
)
from caravan.platform.identity.memberships import (
    add_membership,
    end_membership,
    get_membership,
    list_memberships,
    update_membership,
)
from caravan.platform.identity.tenancy_tables import Membership, User
from caravan.platform.identity.users import (
    NewUser,
    UserChange,
    create_user,
    disable_user,
    enable_user,
    get_user,
    list_users,
    reset_second_factor,
    update_user,
)
from tests.integration.platform.identity.conftest import PASSWORD, Person, World

pytestmark = pytest.mark.asyncio


def address() -> str:
    return f"{uuid4().hex}@example.com"


async def make(world: World, caller: Principal, **values: object) -> User:
    new = NewUser(**{"email": address(), "display_name": "Ada", "password": PASSWORD} | values)
    async with world.database.write(caller.org) as session:
        return await create_user(session, caller, world.identity.passwords, new)


async def membership_of(world: World, caller: Principal, user: object) -> Membership:
    async with world.database.read(caller.org) as session:
        found = await list_memberships(session, caller, limit=200, cursor=None)
    return next(item for item in found.items if item.user_id == user)


async def test_a_new_member_logs_in_and_has_to_change_the_password(world: World) -> None:
    admin = await world.caller()
    user = await make(world, admin, email=f" {address().upper()}", role="OrgStaff", permissions=["ingest"])
    issued = await world.log_in(Person(user.id, user.id, "", user.email))
    assert issued.user.must_change_password
    assert issued.member is not None
    assert issued.member.role == "org-staff"
    assert issued.member.org == admin.org
    assert {"identity.user_created", "identity.membership_created"} <= set(
        await world.audited(admin.require_org())
    )


async def test_a_member_without_a_password_cannot_log_in_yet(world: World) -> None:
    user = await make(world, await world.caller(), password=None)
    with pytest.raises(InvalidCredentialsError):
        await world.log_in(Person(user.id, user.id, "", user.email))


async def test_addresses_and_names_belong_to_one_person(world: World) -> None:
    admin = await world.caller()
    name = f"u{uuid4().hex[:10]}"
    first = await make(world, admin, username=name.upper())
    other = await world.caller()
    with pytest.raises(EmailTakenError):
        await make(world, other, email=first.email.upper())
    with pytest.raises(UsernameTakenError):
        await make(world, other, username=name)


async def test_a_weak_password_or_unknown_role_makes_nobody(world: World) -> None:
    admin = await world.caller()
    email = address()
    for values, error in (
        ({"password": "short"}, PasswordTooWeakError),
        ({"password": email}, PasswordTooWeakError),
        ({"role": "emperor"}, RoleUnknownError),
        ({"permissions": ["fly"]}, RoleUnknownError),
        ({"client": "nowhere"}, NotFoundError),
    ):
        with pytest.raises(error):
            await make(world, admin, email=email, **values)
    assert await world.value("SELECT count(*) FROM users WHERE email = :email", email=email) == 0


async def test_nobody_gives_what_they_do_not_have(world: World) -> None:
    admin = await world.caller()
    clerk = replace(admin, scopes=frozenset({"manage_members", "search", "ingest"}))
    await make(world, clerk, role="user")
    for values in ({"role": "org-owner"}, {"role": "user", "permissions": ["view_usage"]}):
        with pytest.raises(ForbiddenError, match="cannot give more"):
            await make(world, clerk, **values)


async def test_nobody_touches_who_may_do_more(world: World) -> None:
    admin = await world.caller()
    clerk = replace(admin, scopes=frozenset({"manage_members"}))
    target = await membership_of(world, admin, admin.id)
    async with world.database.write(admin.org) as session:
        with pytest.raises(ForbiddenError):
            await end_membership(session, clerk, target.id)
        with pytest.raises(ForbiddenError):
            await update_membership(session, clerk, target.id, role="user")
        with pytest.raises(ForbiddenError):
            await update_user(session, clerk, target.user_id, UserChange(email=address()))


async def test_another_organisation_neither_sees_nor_changes_a_member(world: World) -> None:
    admin, stranger = await world.caller(), await world.caller()
    user = await make(world, admin)
    target = await membership_of(world, admin, user.id)
    async with world.database.write(stranger.org) as session:
        for attempt in (
            get_user(session, stranger, user.id),
            update_user(session, stranger, user.id, UserChange(display_name="Mallory")),
            disable_user(session, stranger, user.id, now=world.clock()),
            get_membership(session, stranger, target.id),
            update_membership(session, stranger, target.id, role="user"),
            end_membership(session, stranger, target.id),
        ):
            with pytest.raises(NotFoundError):
                await attempt


async def test_a_guest_from_another_organisation_stays_what_the_home_says(world: World) -> None:
    admin, guest = await world.caller(), await world.person()
    async with world.database.write(admin.org) as session:
        added = await add_membership(session, admin, user=guest.email.upper(), role="org-staff")
        assert added.user_id == guest.id
    async with world.database.write(admin.org) as session:
        assert (await get_user(session, admin, guest.id)).email == guest.email
        with pytest.raises(UserElsewhereError):
            await update_user(session, admin, guest.id, UserChange(email=address()))
        with pytest.raises(UserElsewhereError):
            await reset_second_factor(session, admin, guest.id)


async def test_nobody_is_a_member_twice_and_nobody_unknown_is_one(world: World) -> None:
    admin, guest = await world.caller(), await world.person()
    async with world.database.write(admin.org) as session:
        await add_membership(session, admin, user=guest.id, role="user")
        with pytest.raises(MemberExistsError):
            await add_membership(session, admin, user=guest.id, role="user")
        with pytest.raises(NotFoundError):
            await add_membership(session, admin, user=uuid4(), role="user")
    with pytest.raises(NotFoundError):
        async with world.database.write(admin.org) as session:
            await get_user(session, admin, uuid4())


async def test_a_change_of_role_is_effective_at_the_next_check(world: World) -> None:
    admin = await world.caller()
    user = await make(world, admin, role="org-staff")
    issued = await world.log_in(Person(user.id, user.id, "", user.email))
    target = await membership_of(world, admin, user.id)
    async with world.database.write(admin.org) as session:
        changed = await update_membership(
            session, admin, target.id, role="client-user", permissions=["view_usage", "view_usage"]
        )
        assert changed.permissions == ["view_usage"]
    assert (await world.principal(issued)).scopes == {"ingest", "search", "view_usage"}
    async with world.database.write(admin.org) as session:
        await update_membership(session, admin, target.id, role="org-staff")
    assert "view_usage" in (await world.principal(issued)).scopes


async def test_an_ended_membership_ends_its_tokens(world: World) -> None:
    admin = await world.caller()
    user = await make(world, admin)
    issued = await world.log_in(Person(user.id, user.id, "", user.email))
    target = await membership_of(world, admin, user.id)
    async with world.database.write(admin.org) as session:
        await end_membership(session, admin, target.id)
    with pytest.raises(TokenInvalidError):
        await world.principal(issued)


async def test_the_last_administrator_stays(world: World) -> None:
    admin = await world.caller()
    target = await membership_of(world, admin, admin.id)
    async with world.database.write(admin.org) as session:
        with pytest.raises(LastAdminError):
            await end_membership(session, admin, target.id)
        with pytest.raises(LastAdminError):
            await update_membership(session, admin, target.id, role="org-staff")
        await update_membership(session, admin, target.id, role="portal-manager")


async def test_two_administrators_do_not_leave_together(world: World) -> None:
    admin = await world.caller()
    second = await make(world, admin, role="org-owner")
    targets = [await membership_of(world, admin, who) for who in (admin.id, second.id)]

    async def leave(target: Membership) -> None:
        async with world.database.write(admin.org) as session:
            await end_membership(session, admin, target.id)

    outcomes = await asyncio.gather(*(leave(target) for target in targets), return_exceptions=True)
    left = "SELECT count(*) FROM memberships WHERE org_id = :org AND role = 'org-owner'"
    assert await world.value(left, org=admin.org) == 1
    assert sum(isinstance(outcome, LastAdminError) for outcome in outcomes) == 1


async def test_a_person_of_this_home_can_be_changed(world: World) -> None:
    admin = await world.caller()
    user, other = await make(world, admin), await make(world, admin)
    email, name = address(), f"u{uuid4().hex[:10]}"
    change = UserChange(email.upper(), name.upper(), "Grace", "fr")
    async with world.database.write(admin.org) as session:
        changed = await update_user(session, admin, user.id, change)
        assert (changed.email, changed.username, changed.display_name, changed.locale) == (
            email,
            name,
            "Grace",
            "fr",
        )
    async with world.database.write(admin.org) as session:
        same = await update_user(session, admin, user.id, UserChange())
        assert (same.email, same.username) == (email, name)
        with pytest.raises(EmailTakenError):
            await update_user(session, admin, user.id, UserChange(email=other.email))


async def test_a_disabled_person_is_out_at_once_until_enabled(world: World) -> None:
    admin = await world.caller()
    user = await make(world, admin)
    person = Person(user.id, user.id, "", user.email)
    issued = await world.log_in(person)
    for _ in range(2):
        async with world.database.write(admin.org) as session:
            await disable_user(session, admin, user.id, now=world.clock())
    with pytest.raises(TokenInvalidError):
        await world.authenticator.authenticate(issued.access_token, TenancyRequest())
    with pytest.raises(InvalidCredentialsError):
        await world.log_in(person)
    for _ in range(2):
        async with world.database.write(admin.org) as session:
            await enable_user(session, admin, user.id)
    await world.log_in(person)
    assert (await world.audited(admin.require_org())).count("identity.user_disabled") == 1


async def test_lists_show_the_own_organisation_page_by_page(world: World) -> None:
    admin = await world.caller()
    made = [(await make(world, admin)).id for _ in range(4)]
    seen, cursor = [], None
    for _ in range(3):
        async with world.database.read(admin.org) as session:
            found = await list_users(session, admin, limit=2, cursor=cursor)
        seen += [user.id for user in found.items]
        cursor = found.following
    assert seen == [admin.id, *made]
    assert cursor is None


@pytest.mark.parametrize("cursor", ["damaged", "WyJ1c2VycyIsIngiXQ", "WyJjbGllbnRzIiwieCJd"])
async def test_a_cursor_of_elsewhere_is_refused(world: World, cursor: str) -> None:
    admin = await world.caller()
    async with world.database.read(admin.org) as session:
        with pytest.raises(CaravanError) as caught:
            await list_users(session, admin, limit=2, cursor=cursor)
    assert caught.value.code == "cursor_invalid"


async def test_a_caller_bound_to_a_client_sees_and_makes_its_own(world: World) -> None:
    admin = await world.caller()
    _, code, client = await world.organisation("shop-1")
    admin = replace(await world.caller("org-owner", code))
    await IdentityTenantDirectory(world.identity.system).ensure(code, "shop-2")
    bound = replace(admin, client=client)
    mine = await make(world, bound, role="client-user")
    theirs = await make(world, admin, role="client-user", client="shop-2")
    async with world.database.write(admin.org) as session:
        assert [user.id for user in (await list_users(session, bound, limit=9, cursor=None)).items] == [
            mine.id
        ]
        members = (await list_memberships(session, bound, limit=9, cursor=None)).items
        assert [member.client_id for member in members] == [client]
        for hidden in (theirs.id, admin.id):
            with pytest.raises(NotFoundError):
                await get_user(session, bound, hidden)
        with pytest.raises(NotFoundError):
            await make(world, bound, client="shop-2")
