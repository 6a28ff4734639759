"""Invitations: one link, one member."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from caravan.core.clock import utc_now
from caravan.core.outbox import Event
from caravan.core.outbox.surroundings import worker_settings
from caravan.core.principal import ForbiddenError, NotFoundError, Principal, PrincipalKind
from caravan.core.settings import Settings
from caravan.platform.identity.errors import InviteInvalidError, PasswordTooWeakError, RoleUnknownError
from caravan.platform.identity.invites import (
    INVITED,
    Acceptance,
    accept_invite,
    create_invite,
    list_invites,
    revoke_invite,
)
from caravan.platform.identity.log_in import LoginRequest, log_in
from caravan.platform.identity.tasks import mail_invite
from caravan.platform.identity.tenancy_tables import Invite, User
from tests.integration.platform.identity.conftest import PASSWORD, World

pytestmark = pytest.mark.asyncio


async def invited(
    world: World, caller: Principal, email: str, role: str = "org-staff", client: str | None = None
) -> Invite:
    async with world.database.write(caller.org) as session:
        return await create_invite(session, caller, email=email, role=role, client=client, now=world.clock())


async def token_of(world: World, settings: Settings, invite: Invite) -> str:
    """The token of the link that the worker sends."""
    payload = {"invite_id": str(invite.id)}
    event = Event(uuid4(), INVITED, payload, invite.org_id, None, None, "user", None, None, None, utc_now())
    chosen = worker_settings.set(settings)
    try:
        async with world.identity.system.write() as session:
            await mail_invite(session, event)
    finally:
        worker_settings.reset(chosen)
    latest = "SELECT variables->>'url' FROM kept_messages WHERE recipient = :to ORDER BY id DESC LIMIT 1"
    return str(await world.value(latest, to=invite.email)).partition("?token=")[2]


def address() -> str:
    return f"{uuid4().hex}@example.com"


async def test_an_invited_person_becomes_user_and_member(world: World, settings: Settings) -> None:
    caller = await world.caller()
    invite = await invited(world, caller, address().upper())
    token = await token_of(world, settings, invite)
    name = f"u{uuid4().hex[:8]}"
    user = await accept_invite(world.identity, Acceptance(token, PASSWORD, "Ada", name))
    issued = await log_in(world.identity, LoginRequest(name, PASSWORD))
    assert issued.member is not None
    assert (issued.member.org, issued.member.role) == (caller.org, "org-staff")
    assert not issued.user.must_change_password
    assert (user.display_name, user.home_org_id) == ("Ada", caller.org)


async def test_who_has_an_account_keeps_it_and_joins(world: World, settings: Settings) -> None:
    caller, person = await world.caller(), await world.person()
    token = await token_of(world, settings, await invited(world, caller, person.email))
    user = await accept_invite(world.identity, Acceptance(token, "not my password"))
    assert user.id == person.id
    member = (await world.log_in(person, org=str(caller.org))).member
    assert member is not None
    assert member.role == "org-staff"


async def test_an_invitation_binds_to_its_client(world: World, settings: Settings) -> None:
    _, code, client = await world.organisation("shop")
    caller = await world.caller("org-owner", code)
    for inviting, named in ((caller, "shop"), (replace(caller, client=client), None)):
        invite = await invited(world, inviting, address(), "client-user", named)
        token = await token_of(world, settings, invite)
        await accept_invite(world.identity, Acceptance(token, PASSWORD))
        issued = await log_in(world.identity, LoginRequest(invite.email, PASSWORD))
        assert issued.member is not None
        assert issued.member.client == client
    async with world.database.read(caller.org) as session:
        bound = replace(caller, client=client)
        assert len((await list_invites(session, bound, limit=9, cursor=None)).items) == 2


async def test_a_link_works_once_even_in_parallel(world: World, settings: Settings) -> None:
    invite = await invited(world, await world.caller(), address())
    token = await token_of(world, settings, invite)
    with pytest.raises(PasswordTooWeakError):
        await accept_invite(world.identity, Acceptance(token, "short"))
    outcomes = await asyncio.gather(
        *(accept_invite(world.identity, Acceptance(token, PASSWORD)) for _ in range(3)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, InviteInvalidError) for outcome in outcomes) == 2


async def test_a_link_ends_with_its_time_its_successor_and_its_inviter(
    world: World, settings: Settings
) -> None:
    caller = await world.caller()
    invite = await invited(world, caller, address())
    first = await token_of(world, settings, invite)
    second = await token_of(world, settings, invite)
    late, revoked = await invited(world, caller, address()), await invited(world, caller, address())
    last = await token_of(world, settings, revoked)
    for _ in range(2):
        async with world.database.write(caller.org) as session:
            ended = await revoke_invite(session, caller, revoked.id, now=world.clock())
            assert ended.revoked_at == world.clock()
    assert await token_of(world, settings, revoked) == last, "nothing is sent any more"
    for token in (first, last, "unknown"):
        with pytest.raises(InviteInvalidError):
            await accept_invite(world.identity, Acceptance(token, PASSWORD))
    token = await token_of(world, settings, late)
    world.clock.move(days=7)
    for expired in (token, second):
        with pytest.raises(InviteInvalidError):
            await accept_invite(world.identity, Acceptance(expired, PASSWORD))


async def test_a_key_invites_in_the_name_of_the_organisation(world: World, settings: Settings) -> None:
    caller = await world.caller()
    robot = Principal(PrincipalKind.API_KEY, uuid4(), caller.org, scopes=frozenset({"admin"}))
    invite = await invited(world, robot, address())
    assert invite.created_by is None
    assert await token_of(world, settings, invite)


async def test_nobody_invites_to_more_than_they_have_or_revokes_elsewhere(world: World) -> None:
    caller, stranger = await world.caller(), await world.caller()
    weak = replace(caller, scopes=frozenset({"manage_members"}))
    with pytest.raises(ForbiddenError):
        await invited(world, weak, address(), "org-owner")
    with pytest.raises(RoleUnknownError):
        await invited(world, caller, address(), "emperor")
    invite = await invited(world, caller, address())
    async with world.database.write(stranger.org) as session:
        with pytest.raises(NotFoundError):
            await revoke_invite(session, stranger, invite.id, now=world.clock())
