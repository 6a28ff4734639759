"""The console's tabs may renew one session together, wherever they are served; a reused token still ends the session."""

import asyncio
from datetime import timedelta

import pytest

from caravan.platform.identity.errors import RefreshInvalidError, RefreshReusedError
from caravan.platform.identity.families import Issued
from caravan.platform.identity.refresh import refresh
from caravan.platform.identity.sealing import BrokenSealError
from caravan.platform.identity.successors import read_successor, seal_successor
from tests.integration.platform.identity.conftest import World

pytestmark = pytest.mark.asyncio

GRACE = timedelta(seconds=10)


async def renew(world: World, token: str) -> Issued:
    return await refresh(world.identity, token, grace=GRACE)


async def first_of(world: World) -> str:
    return (await world.log_in(await world.person())).refresh_token


async def test_tabs_that_renew_at_once_get_the_same_successor_and_all_go_on(world: World) -> None:
    token = await first_of(world)
    found = await asyncio.gather(*(renew(world, token) for _ in range(4)))
    assert len({issued.refresh_token for issued in found}) == 1
    for issued in found:
        assert (await world.principal(issued)).session == issued.session
    assert (await renew(world, found[0].refresh_token)).session == found[0].session


async def test_after_the_grace_a_second_use_ends_the_session(world: World) -> None:
    token = await first_of(world)
    issued = await renew(world, token)
    world.clock.move(seconds=10.1)
    with pytest.raises(RefreshReusedError):
        await renew(world, token)
    with pytest.raises(RefreshInvalidError):
        await renew(world, issued.refresh_token)


async def test_once_the_successor_is_used_a_second_use_ends_the_session_within_the_grace_too(
    world: World,
) -> None:
    token = await first_of(world)
    second = await renew(world, token)
    third = await renew(world, second.refresh_token)
    with pytest.raises(RefreshReusedError):
        await renew(world, token)
    with pytest.raises(RefreshInvalidError):
        await renew(world, third.refresh_token)


@pytest.mark.parametrize("console_first", [True, False])
async def test_a_token_used_at_the_api_is_used_up_whoever_else_presents_it(
    world: World, *, console_first: bool
) -> None:
    token = await first_of(world)
    issued = await (renew(world, token) if console_first else refresh(world.identity, token))
    with pytest.raises(RefreshReusedError):
        await (refresh(world.identity, token) if console_first else renew(world, token))
    with pytest.raises(RefreshInvalidError):
        await renew(world, issued.refresh_token)


async def test_a_session_that_has_ended_is_not_revived_by_the_grace(world: World) -> None:
    token = await first_of(world)
    issued = await renew(world, token)
    await world.change("UPDATE refresh_families SET revoked_at = now() WHERE id = :id", id=issued.session)
    with pytest.raises(RefreshInvalidError):
        await renew(world, token)


async def test_the_table_alone_does_not_tell_a_successor(world: World) -> None:
    token = await first_of(world)
    issued = await renew(world, token)
    sealed = await world.value(
        "SELECT successor FROM refresh_tokens WHERE family_id = :id AND successor IS NOT NULL",
        id=issued.session,
    )
    assert isinstance(sealed, bytes)
    assert issued.refresh_token.encode() not in sealed
    assert read_successor(token, sealed) == issued.refresh_token
    with pytest.raises(BrokenSealError):
        read_successor(issued.refresh_token, sealed)
    assert seal_successor(token, issued.refresh_token) != sealed
