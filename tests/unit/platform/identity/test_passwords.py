"""Passwords: argon2id for new ones, older hashes once, equal work for nobody."""

import hashlib
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from caravan.platform.identity.errors import PasswordTooWeakError
from caravan.platform.identity.legacy_hashes import LegacyBcrypt, LegacyScrypt
from caravan.platform.identity.passwords import Passwords, check_strength

PASSWORD = "correct horse battery"


def quick() -> Argon2Hasher:
    return Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(quick())


@pytest.mark.asyncio
async def test_what_was_hashed_verifies_and_stays(passwords: Passwords) -> None:
    stored = await passwords.hash(PASSWORD)
    verdict = await passwords.verify(PASSWORD, stored)
    assert stored.startswith("$argon2id$")
    assert verdict.right
    assert verdict.replacement is None


@pytest.mark.asyncio
async def test_a_wrong_password_is_wrong(passwords: Passwords) -> None:
    assert not (await passwords.verify("something else", await passwords.hash(PASSWORD))).right


@pytest.mark.asyncio
async def test_weaker_parameters_are_replaced_at_log_in() -> None:
    stored = await Passwords(quick()).hash(PASSWORD)
    verdict = await Passwords(Argon2Hasher(time_cost=2, memory_cost=16, parallelism=1)).verify(
        PASSWORD, stored
    )
    assert verdict.right
    assert verdict.replacement is not None
    assert "t=2" in verdict.replacement


@pytest.mark.asyncio
@pytest.mark.parametrize("prefix", ["2a", "2b", "2y"])
async def test_legacy_bcrypt_verifies_and_is_replaced(passwords: Passwords, prefix: str) -> None:
    made = LegacyBcrypt(rounds=4).hash(PASSWORD)
    verdict = await passwords.verify(PASSWORD, f"${prefix}${made[4:]}")
    assert verdict.right
    assert verdict.replacement is not None
    assert verdict.replacement.startswith("$argon2id$")


@pytest.mark.asyncio
async def test_bcrypt_looks_at_72_bytes_as_the_old_systems_did(passwords: Passwords) -> None:
    stored = LegacyBcrypt(rounds=4).hash("x" * 72)
    assert (await passwords.verify("x" * 80, stored)).right
    assert not (await passwords.verify("x" * 71, stored)).right


@pytest.mark.asyncio
async def test_a_bcrypt_hash_with_an_impossible_cost_matches_nothing(passwords: Passwords) -> None:
    made = LegacyBcrypt(rounds=4).hash(PASSWORD)
    assert not (await passwords.verify(PASSWORD, made.replace("$04$", "$03$"))).right


@pytest.mark.asyncio
@pytest.mark.parametrize("length", [32, 64])
async def test_node_scrypt_verifies_with_the_salt_as_text(passwords: Passwords, length: int) -> None:
    key = hashlib.scrypt(PASSWORD.encode(), salt=b"0a1b2c3d", n=16384, r=8, p=1, dklen=length).hex()
    verdict = await passwords.verify(PASSWORD, f"scrypt:0a1b2c3d:{key}")
    assert verdict.right
    assert verdict.replacement is not None


@pytest.mark.asyncio
async def test_node_scrypt_verifies_with_the_salt_as_bytes(passwords: Passwords) -> None:
    salt = bytes.fromhex("0a1b2c3d")
    key = hashlib.scrypt(PASSWORD.encode(), salt=salt, n=16384, r=8, p=1, dklen=64).hex()
    assert (await passwords.verify(PASSWORD, f"scrypt:0a1b2c3d:{key}")).right


@pytest.mark.asyncio
async def test_a_salt_that_is_no_hex_is_tried_as_text_alone(passwords: Passwords) -> None:
    key = hashlib.scrypt(PASSWORD.encode(), salt=b"salty!", n=16384, r=8, p=1, dklen=64).hex()
    assert (await passwords.verify(PASSWORD, f"scrypt:salty!:{key}")).right
    assert not (await passwords.verify("another one", f"scrypt:salty!:{key}")).right


def test_scrypt_tells_its_own_from_others() -> None:
    hasher = LegacyScrypt()
    made = hasher.hash(PASSWORD)
    assert hasher.identify(made)
    assert hasher.verify(PASSWORD, made)
    assert hasher.check_needs_rehash(made)
    assert not hasher.identify("scrypt:salt:zz")
    assert not hasher.verify(PASSWORD, "scrypt:salt:zz")


@pytest.fixture
def argon2_work() -> Iterator[list[str]]:
    """The hashes that argon2 was asked to verify."""
    seen: list[str] = []
    real = Argon2Hasher.verify

    def counted(self: Argon2Hasher, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002
        seen.append(str(hash))
        return real(self, password, hash)

    with patch.object(Argon2Hasher, "verify", counted):
        yield seen


@pytest.mark.asyncio
async def test_nobody_costs_the_same_work_as_a_wrong_password(
    passwords: Passwords, argon2_work: list[str]
) -> None:
    stored = await passwords.hash(PASSWORD)
    work = []
    for hashed in (stored, None, "not a hash", LegacyBcrypt(rounds=4).hash(PASSWORD)):
        argon2_work.clear()
        assert not (await passwords.verify("a wrong password", hashed)).right
        work.append(len(argon2_work))
    assert work == [1, 1, 1, 1]


def test_a_password_of_ten_characters_may_be_chosen() -> None:
    check_strength("0123456789", "ada@example.com", None)


@pytest.mark.parametrize("password", ["012345678", "x" * 257, "ADA@example.com", "ada-lovelace"])
def test_short_long_and_obvious_passwords_are_refused(password: str) -> None:
    with pytest.raises(PasswordTooWeakError):
        check_strength(password, "ada@example.com", "Ada-Lovelace")
