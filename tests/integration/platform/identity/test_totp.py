"""The second factor from set-up to switching off."""

import asyncio

import pyotp
import pytest

from caravan.core.principal import ForbiddenError, Principal, PrincipalKind
from caravan.platform.identity.errors import (
    InvalidCredentialsError,
    LoginLockedError,
    TotpCodeInvalidError,
    TotpNotSetUpError,
    TotpRequiredError,
)
from caravan.platform.identity.families import Issued
from caravan.platform.identity.log_in import LoginRequest, log_in
from caravan.platform.identity.totp import disable_totp, enable_totp, set_up_totp
from tests.integration.platform.identity.conftest import Person, World

pytestmark = pytest.mark.asyncio


def code_of(world: World, secret: str) -> str:
    return pyotp.TOTP(secret).at(world.clock())


async def protected(world: World) -> tuple[Person, Principal, str, list[str]]:
    """A person with one-time codes on, their secret and recovery codes."""
    person = await world.person()
    caller = await world.principal(await world.log_in(person))
    async with world.identity.system.write() as session:
        secret = (await set_up_totp(session, world.identity, caller)).secret
    async with world.identity.system.write() as session:
        codes = await enable_totp(session, world.identity, caller, code_of(world, secret))
    world.clock.move(seconds=30)
    return person, caller, secret, codes


async def test_a_password_alone_is_told_that_a_code_is_missing(world: World) -> None:
    person, _, _, _ = await protected(world)
    with pytest.raises(TotpRequiredError):
        await world.log_in(person)
    with pytest.raises(InvalidCredentialsError):
        await log_in(world.identity, LoginRequest(person.email, "a wrong password", code="123456"))


async def test_the_right_code_lets_in_once(world: World) -> None:
    person, _, secret, _ = await protected(world)
    code = code_of(world, secret)
    await world.log_in(person, code=code)
    with pytest.raises(TotpCodeInvalidError):
        await world.log_in(person, code=code)
    world.clock.move(seconds=30)
    await world.log_in(person, code=code_of(world, secret))


async def test_of_parallel_log_ins_with_one_code_one_gets_in(world: World) -> None:
    person, _, secret, _ = await protected(world)
    code = code_of(world, secret)
    outcomes = await asyncio.gather(
        *(world.log_in(person, code=code) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Issued) for outcome in outcomes) == 1


async def test_a_recovery_code_works_once(world: World) -> None:
    person, _, _, codes = await protected(world)
    await world.log_in(person, code=codes[0].lower())
    with pytest.raises(TotpCodeInvalidError):
        await world.log_in(person, code=codes[0])
    await world.log_in(person, code=codes[1])


async def test_wrong_codes_lock_out_like_wrong_passwords(world: World) -> None:
    person, _, secret, _ = await protected(world)
    for _ in range(5):
        with pytest.raises(TotpCodeInvalidError):
            await world.log_in(person, code="000 00")
    with pytest.raises(LoginLockedError):
        await world.log_in(person, code=code_of(world, secret))


async def test_nothing_is_asked_before_a_code_was_shown_to_work(world: World) -> None:
    person = await world.person()
    caller = await world.principal(await world.log_in(person))
    async with world.identity.system.write() as session:
        await set_up_totp(session, world.identity, caller)
    async with world.identity.system.write() as session:
        with pytest.raises(TotpCodeInvalidError):
            await enable_totp(session, world.identity, caller, "000000x")
    await world.log_in(person)


async def test_switching_on_needs_a_set_up_and_works_once(world: World) -> None:
    fresh = await world.caller()
    _, caller, secret, _ = await protected(world)
    for principal in (fresh, caller):
        async with world.identity.system.write() as session:
            with pytest.raises(TotpNotSetUpError):
                await enable_totp(session, world.identity, principal, code_of(world, secret))
    async with world.identity.system.write() as session:
        with pytest.raises(TotpCodeInvalidError):
            await set_up_totp(session, world.identity, caller)


async def test_switching_off_needs_a_code(world: World) -> None:
    person, caller, secret, _ = await protected(world)
    async with world.identity.system.write() as session:
        with pytest.raises(TotpCodeInvalidError):
            await disable_totp(session, world.identity, caller, "000 00")
    async with world.identity.system.write() as session:
        await disable_totp(session, world.identity, caller, code_of(world, secret))
    await world.log_in(person)
    async with world.identity.system.write() as session:
        with pytest.raises(TotpNotSetUpError):
            await disable_totp(session, world.identity, caller, code_of(world, secret))


async def test_the_secret_is_sealed_in_the_database(world: World) -> None:
    person, _, secret, _ = await protected(world)
    stored = await world.value("SELECT totp_secret FROM users WHERE id = :id", id=person.id)
    assert isinstance(stored, bytes)
    assert secret.encode() not in stored


async def test_a_code_without_a_secret_is_no_code(world: World) -> None:
    person, _, secret, codes = await protected(world)
    await world.change("UPDATE users SET totp_secret = NULL WHERE id = :id", id=person.id)
    with pytest.raises(TotpCodeInvalidError):
        await world.log_in(person, code=code_of(world, secret))
    await world.log_in(person, code=codes[0])


async def test_keys_and_guests_have_no_second_factor(world: World) -> None:
    person = await world.person()
    key = Principal(PrincipalKind.API_KEY, person.id, person.org)
    guest = Principal(PrincipalKind.USER, person.id, person.org)
    for caller in (key, guest):
        async with world.identity.system.write() as session:
            with pytest.raises(ForbiddenError):
                await set_up_totp(session, world.identity, caller)
