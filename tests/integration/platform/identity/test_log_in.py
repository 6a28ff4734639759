"""Log-in: the right person gets in, and nobody learns who exists."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from caravan.core.errors import CaravanError
from caravan.platform.identity import IdentityTenantDirectory
from caravan.platform.identity.errors import InvalidCredentialsError, LoginLockedError
from caravan.platform.identity.families import Visitor
from caravan.platform.identity.legacy_hashes import LegacyBcrypt
from caravan.platform.identity.lockout import forget_old_failures
from caravan.platform.identity.log_in import LoginRequest, log_in
from caravan.platform.identity.passwords import Passwords
from caravan.platform.identity.places import find_client
from tests.integration.platform.identity.conftest import PASSWORD, Person, World

pytestmark = pytest.mark.asyncio


async def failing(world: World, request: LoginRequest) -> CaravanError:
    with pytest.raises(CaravanError) as caught:
        await log_in(world.identity, request)
    return caught.value


async def test_a_person_gets_in_with_the_e_mail_address(world: World) -> None:
    person = await world.person(must_change=True)
    request = LoginRequest(f" {person.email.upper()} ", PASSWORD, visitor=Visitor("curl/8", "192.0.2.7"))
    issued = await log_in(world.identity, request)
    assert issued.user.id == person.id
    assert issued.user.must_change_password
    assert issued.member is not None
    assert (issued.member.org, issued.member.scopes) == (person.org, {"admin"})
    assert issued.refresh_expires_at == world.clock() + timedelta(days=30)
    assert (
        await world.value("SELECT address FROM refresh_families WHERE id = :id", id=issued.session)
        == "192.0.2.7"
    )
    assert "identity.logged_in" in await world.audited(person.org)


async def test_a_person_gets_in_with_the_user_name(world: World) -> None:
    person = await world.person()
    name = f"u{person.id.hex[-12:]}"
    await world.change("UPDATE users SET username = :name WHERE id = :id", name=name, id=person.id)
    assert (await log_in(world.identity, LoginRequest(name.upper(), PASSWORD))).user.id == person.id


@pytest.mark.parametrize(
    "stored",
    [
        LegacyBcrypt(rounds=4).hash(PASSWORD).replace("$2b$", "$2y$"),
        "scrypt:salt:" + hashlib.scrypt(PASSWORD.encode(), salt=b"salt", n=16384, r=8, p=1, dklen=64).hex(),
    ],
    ids=["bcrypt", "scrypt"],
)
async def test_an_older_hash_lets_in_once_and_is_replaced(world: World, stored: str) -> None:
    person = await world.person()
    await world.change("UPDATE users SET password_hash = :hash WHERE id = :id", hash=stored, id=person.id)
    await world.log_in(person)
    replaced = await world.value("SELECT password_hash FROM users WHERE id = :id", id=person.id)
    assert str(replaced).startswith("$argon2id$")
    await world.log_in(person)


async def test_every_wrong_log_in_looks_the_same_and_does_the_same_work(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, disabled, lonely, without = [await world.person() for _ in range(4)]
    await world.change("UPDATE users SET disabled_at = now() WHERE id = :id", id=disabled.id)
    await world.change("DELETE FROM memberships WHERE user_id = :id", id=lonely.id)
    await world.change("UPDATE users SET password_hash = NULL WHERE id = :id", id=without.id)
    verified: list[str | None] = []
    real = Passwords.verify

    async def counted(self: Passwords, password: str, stored: str | None) -> object:
        verified.append(stored)
        return await real(self, password, stored)

    monkeypatch.setattr(Passwords, "verify", counted)
    requests = [
        LoginRequest(person.email, "a wrong password"),
        LoginRequest("nobody@example.com", PASSWORD),
        LoginRequest("nobody", PASSWORD),
        LoginRequest(disabled.email, PASSWORD),
        LoginRequest(lonely.email, PASSWORD),
        LoginRequest(without.email, PASSWORD),
        LoginRequest(person.email, PASSWORD, client_code="nosuch"),
        LoginRequest(person.email, PASSWORD, org="no-such-org"),
    ]
    answers = []
    for request in requests:
        error = await failing(world, request)
        answers.append((error.code, error.status, error.message, dict(error.details)))
    assert set(map(str, answers)) == {str(("invalid_credentials", 401, "Wrong name or password", {}))}
    assert len(verified) == len(requests)


async def test_a_failure_takes_its_time_whatever_failed(world: World) -> None:
    slow = replace(world.identity, failure_floor=0.15)
    started = asyncio.get_running_loop().time()
    with pytest.raises(InvalidCredentialsError):
        await log_in(slow, LoginRequest("nobody@example.com", PASSWORD))
    assert asyncio.get_running_loop().time() - started >= 0.15


async def fail(world: World, name: str, times: int) -> None:
    for _ in range(times):
        error = await failing(world, LoginRequest(name, "a wrong password"))
        assert error.code == "invalid_credentials"


@pytest.mark.parametrize("known", [True, False])
async def test_five_failures_lock_a_name_out_whether_it_exists_or_not(world: World, *, known: bool) -> None:
    person = await world.person()
    name = person.email if known else f"nobody-{person.email}"
    await fail(world, name, 5)
    error = await failing(world, LoginRequest(name, PASSWORD))
    assert (error.code, error.status) == ("login_locked", 429)
    assert error.headers() == {"Retry-After": "31"}


async def test_the_wait_doubles_and_success_starts_from_the_beginning(world: World) -> None:
    person = await world.person()
    await fail(world, person.email, 5)
    world.clock.move(seconds=31)
    await fail(world, person.email, 1)
    world.clock.move(seconds=59)
    with pytest.raises(LoginLockedError):
        await world.log_in(person)
    world.clock.move(seconds=2)
    await world.log_in(person)
    await fail(world, person.email, 4)
    await world.log_in(person)


async def test_attempts_while_locked_do_not_make_it_longer(world: World) -> None:
    person = await world.person()
    await fail(world, person.email, 5)
    for _ in range(3):
        await failing(world, LoginRequest(person.email, "a wrong password"))
    world.clock.move(seconds=31)
    await world.log_in(person)


async def test_a_day_later_failures_count_from_one(world: World) -> None:
    person = await world.person()
    await fail(world, person.email, 4)
    world.clock.move(days=1, seconds=1)
    await fail(world, person.email, 4)
    await world.log_in(person)


async def test_old_counts_are_removed(world: World) -> None:
    await fail(world, "someone-old@example.com", 1)
    async with world.identity.system.write() as session:
        assert await forget_old_failures(session, world.clock()) == 0
        assert await forget_old_failures(session, world.clock() + timedelta(days=2)) >= 1


async def test_parallel_guesses_are_counted_one_by_one(world: World) -> None:
    person = await world.person()
    guesses = [LoginRequest(person.email, f"guess number {n}") for n in range(24)]
    errors = await asyncio.gather(*(failing(world, guess) for guess in guesses))
    wrong = [error.code for error in errors].count("invalid_credentials")
    assert 5 <= wrong <= 5 + 4, "four guesses at most are between check and count"


async def test_a_password_changed_while_we_verified_lets_nobody_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.person()
    real = Passwords.verify

    async def overtaken(self: Passwords, password: str, stored: str | None) -> object:
        verdict = await real(self, password, stored)
        await world.change("UPDATE users SET password_hash = 'other' WHERE id = :id", id=person.id)
        return verdict

    monkeypatch.setattr(Passwords, "verify", overtaken)
    with pytest.raises(InvalidCredentialsError):
        await world.log_in(person)


async def two_homes(world: World) -> tuple[Person, str, str]:
    """A person in two organisations, both with a client of the same code."""
    person = await world.person()
    other, other_code, _ = await world.organisation("shared")
    await IdentityTenantDirectory(world.identity.system).ensure(person.org_code, "shared")
    await world.change(
        "INSERT INTO memberships (org_id, id, user_id, role) VALUES (:org, gen_random_uuid(), :user, 'client-user')",
        org=other,
        user=person.id,
    )
    return person, person.org_code, other_code


async def test_a_member_of_several_chooses_or_lets_each_request_choose(world: World) -> None:
    person, _, other = await two_homes(world)
    assert (await world.log_in(person)).member is None
    chosen = (await world.log_in(person, org=other)).member
    assert chosen is not None
    assert chosen.role == "client-user"


async def test_a_client_code_means_that_client(world: World) -> None:
    person, home, _ = await two_homes(world)
    with pytest.raises(InvalidCredentialsError):
        await world.log_in(person, client_code="shared")
    chosen = (await world.log_in(person, client_code="shared", org=home)).member
    assert chosen is not None
    async with world.identity.system.read() as session:
        assert chosen.client == await find_client(session, person.org, "shared")


async def test_a_member_of_one_client_does_not_enter_another(world: World) -> None:
    org, code, client = await world.organisation("mine")
    await IdentityTenantDirectory(world.identity.system).ensure(code, "theirs")
    person = await world.person("client-admin", code)
    await world.change(
        "UPDATE memberships SET client_id = :client WHERE user_id = :id", client=client, id=person.id
    )
    assert (await world.log_in(person, client_code="mine")).user.id == person.id
    with pytest.raises(InvalidCredentialsError):
        await world.log_in(person, client_code="theirs")
    assert org == person.org
