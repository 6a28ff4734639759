"""Refresh tokens work once; the second use ends the session."""

import asyncio
from dataclasses import replace

import pytest

from caravan.core.principal import Principal
from caravan.core.protocols import TenancyRequest
from caravan.platform.identity.errors import (
    RefreshExpiredError,
    RefreshInvalidError,
    RefreshReusedError,
    TokenInvalidError,
)
from caravan.platform.identity.families import Issued
from caravan.platform.identity.log_out import log_out
from caravan.platform.identity.refresh import refresh
from tests.integration.platform.identity.conftest import World

pytestmark = pytest.mark.asyncio


async def test_a_refresh_keeps_organisation_client_scopes_and_session(world: World) -> None:
    person = await world.person()
    first = await world.log_in(person)
    world.clock.move(hours=1)
    second = await refresh(world.identity, first.refresh_token)
    assert second.session == first.session
    assert second.member == first.member
    assert second.refresh_token != first.refresh_token
    assert second.refresh_expires_at > first.refresh_expires_at
    caller = await world.principal(second)
    assert (caller.org, caller.scopes) == (person.org, {"admin"})


async def test_a_person_without_a_chosen_organisation_refreshes_too(world: World) -> None:
    person = await world.person()
    other, _, _ = await world.organisation()
    await world.change(
        "INSERT INTO memberships (org_id, id, user_id, role) VALUES (:org, gen_random_uuid(), :user, 'user')",
        org=other,
        user=person.id,
    )
    issued = await refresh(world.identity, (await world.log_in(person)).refresh_token)
    assert issued.member is None


async def test_the_second_use_of_a_token_ends_the_session_for_all(world: World) -> None:
    person = await world.person()
    first = await world.log_in(person)
    second = await refresh(world.identity, first.refresh_token)
    with pytest.raises(RefreshReusedError):
        await refresh(world.identity, first.refresh_token)
    with pytest.raises(RefreshInvalidError):
        await refresh(world.identity, second.refresh_token)
    with pytest.raises(TokenInvalidError):
        await world.principal(second)
    assert (await world.audited(person.org))[-1] == "identity.refresh_reused"
    with pytest.raises(RefreshReusedError):
        await refresh(world.identity, first.refresh_token)
    assert (await world.audited(person.org)).count("identity.refresh_reused") == 1


async def test_of_two_parallel_uses_one_wins_and_the_session_ends(world: World) -> None:
    for _ in range(5):
        first = await world.log_in(await world.person())
        outcomes = await asyncio.gather(
            *(refresh(world.identity, first.refresh_token) for _ in range(2)), return_exceptions=True
        )
        won = [outcome for outcome in outcomes if isinstance(outcome, Issued)]
        lost = [outcome for outcome in outcomes if isinstance(outcome, RefreshReusedError)]
        assert (len(won), len(lost)) == (1, 1)
        with pytest.raises(RefreshInvalidError):
            await refresh(world.identity, won[0].refresh_token)


async def test_an_unused_token_expires(world: World) -> None:
    issued = await world.log_in(await world.person())
    world.clock.move(days=30)
    with pytest.raises(RefreshExpiredError):
        await refresh(world.identity, issued.refresh_token)


async def test_an_unknown_token_is_refused(world: World) -> None:
    with pytest.raises(RefreshInvalidError):
        await refresh(world.identity, "unknown")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET disabled_at = now() WHERE id = :id",
        "DELETE FROM memberships WHERE user_id = :id",
    ],
    ids=["disabled", "not a member any more"],
)
async def test_who_may_not_log_in_may_not_refresh(world: World, change: str) -> None:
    person = await world.person()
    issued = await world.log_in(person)
    await world.change(change, id=person.id)
    with pytest.raises(RefreshInvalidError):
        await refresh(world.identity, issued.refresh_token)


async def test_who_is_moved_to_a_client_does_not_refresh_into_the_whole_organisation(world: World) -> None:
    _, code, client = await world.organisation("mine")
    person = await world.person("client-admin", code)
    issued = await world.log_in(person)
    await world.change(
        "UPDATE memberships SET client_id = :client WHERE user_id = :id", client=client, id=person.id
    )
    with pytest.raises(RefreshInvalidError):
        await refresh(world.identity, issued.refresh_token)
    with pytest.raises(TokenInvalidError):
        await world.principal(issued)


@pytest.mark.parametrize("with_access_token", [True, False])
async def test_log_out_ends_the_session_by_either_token(world: World, *, with_access_token: bool) -> None:
    issued = await world.log_in(await world.person())
    caller = await world.principal(issued)
    nobody = replace(caller, session=None)
    await leave(
        world, caller if with_access_token else nobody, None if with_access_token else issued.refresh_token
    )
    with pytest.raises(TokenInvalidError):
        await world.authenticator.authenticate(issued.access_token, TenancyRequest())
    with pytest.raises(RefreshInvalidError):
        await refresh(world.identity, issued.refresh_token)
    await leave(world, caller, issued.refresh_token)


async def leave(world: World, caller: Principal, token: str | None) -> None:
    async with world.identity.system.write() as session:
        await log_out(session, caller, refresh_token=token, now=world.clock())
