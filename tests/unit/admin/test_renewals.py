"""A refresh token is used once, however many tabs ask."""

import asyncio

import pytest

from caravan.admin import renewals
from caravan.admin.accounts import Tokens
from caravan.admin.renewals import Renewals
from caravan.core.principal import UnauthenticatedError

pytestmark = pytest.mark.asyncio


class _Identity:
    """Refuses a token's second use, as the real one does."""

    def __init__(self) -> None:
        self.used: list[str] = []
        self.gate = asyncio.Event()

    async def renew(self, refresh: str) -> Tokens:
        await self.gate.wait()
        if refresh in self.used or refresh == "bad":
            raise UnauthenticatedError("used before")
        self.used.append(refresh)
        return Tokens("access", 900, f"after-{refresh}", 3600)


async def test_tabs_that_ask_together_and_later_get_the_same_tokens() -> None:
    identity = _Identity()
    shared = Renewals(identity.renew)
    waiting = [asyncio.create_task(shared.tokens_after("one")) for _ in range(5)]
    await asyncio.sleep(0)
    identity.gate.set()
    assert {tokens.refresh for tokens in await asyncio.gather(*waiting)} == {"after-one"}
    assert (await shared.tokens_after("one")).refresh == "after-one"
    assert identity.used == ["one"]


async def test_a_tab_that_is_closed_does_not_stop_the_renewal_of_the_others() -> None:
    identity = _Identity()
    shared = Renewals(identity.renew)
    closed = asyncio.create_task(shared.tokens_after("one"))
    await asyncio.sleep(0)
    closed.cancel()
    identity.gate.set()
    assert (await shared.tokens_after("one")).refresh == "after-one"
    assert identity.used == ["one"]


async def test_a_refusal_is_the_same_for_every_tab() -> None:
    identity = _Identity()
    identity.gate.set()
    shared = Renewals(identity.renew)
    for _ in range(2):
        with pytest.raises(UnauthenticatedError):
            await shared.tokens_after("bad")


async def test_old_renewals_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = _Identity()
    identity.gate.set()
    shared = Renewals(identity.renew)
    await shared.tokens_after("one")
    with pytest.raises(UnauthenticatedError):
        await shared.tokens_after("bad")
    monkeypatch.setattr(renewals, "_REMEMBERED_SECONDS", -1.0)
    await shared.tokens_after("two")
    assert len(shared._running) == 1
    with pytest.raises(UnauthenticatedError):
        await shared.tokens_after("one")
