"""Signing keys: made once, kept private, rotated without breaking what was signed before."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from caravan.platform.identity import signing_keys
from caravan.platform.identity.errors import SigningKeyMissingError
from caravan.platform.identity.signing_keys import SigningKeys, thumbprint

LIFETIME = timedelta(minutes=15)


class Hands:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Hands:
    return Hands()


def opened(folder: Path, clock: Hands, *, may_create: bool = True) -> SigningKeys:
    return SigningKeys.open(folder, token_lifetime=LIFETIME, may_create=may_create, clock=clock)


def test_the_thumbprint_is_that_of_the_standard() -> None:
    # RFC 8037, appendix A.3
    x = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert thumbprint(Ed25519PublicKey.from_public_bytes(x)) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_first_run_makes_one_key_that_only_its_owner_reads(tmp_path: Path, clock: Hands) -> None:
    folder = tmp_path / "deep" / "keys"
    keys = opened(folder, clock)
    files = list(folder.iterdir())
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert keys.active().kid in files[0].name


def test_the_next_start_uses_the_same_key(tmp_path: Path, clock: Hands) -> None:
    first = opened(tmp_path, clock).active().kid
    assert opened(tmp_path, clock, may_create=False).active().kid == first


def test_without_a_key_and_without_leave_to_make_one_there_is_no_start(tmp_path: Path, clock: Hands) -> None:
    with pytest.raises(SigningKeyMissingError):
        opened(tmp_path / "none", clock, may_create=False)


def test_rotation_signs_with_the_new_key_and_verifies_with_both(tmp_path: Path, clock: Hands) -> None:
    keys = opened(tmp_path, clock)
    old = keys.active().kid
    clock.now += timedelta(days=1)
    new = keys.rotate().kid
    assert keys.active().kid == new
    assert keys.find(old) is not None
    assert [key["kid"] for key in keys.jwks()["keys"]] == [new, old]


def test_an_old_key_is_forgotten_when_its_last_token_has_expired(tmp_path: Path, clock: Hands) -> None:
    keys = opened(tmp_path, clock)
    old = keys.active().kid
    keys.rotate()
    clock.now += LIFETIME + timedelta(minutes=2, seconds=1)
    assert keys.find(old) is None
    clock.now += timedelta(seconds=1)
    keys.rotate()
    assert not any(old in file.name for file in tmp_path.iterdir())


def test_a_clock_that_was_set_back_does_not_bring_the_old_key_back(tmp_path: Path, clock: Hands) -> None:
    keys = opened(tmp_path, clock)
    clock.now -= timedelta(days=1)
    assert keys.rotate().kid == keys.active().kid


def test_a_key_that_another_process_made_is_found_at_once(
    tmp_path: Path, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = opened(tmp_path, clock), opened(tmp_path, clock)
    clock.now += timedelta(seconds=1)
    made = other.rotate().kid
    assert mine.find(made) is None, "strangers do not make us read the folder again and again"
    monkeypatch.setattr(signing_keys, "_REREAD_FOR_STRANGERS", -1.0)
    assert mine.find(made) is not None


def test_after_a_while_the_newest_key_of_the_folder_signs(
    tmp_path: Path, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = opened(tmp_path, clock), opened(tmp_path, clock)
    clock.now += timedelta(seconds=1)
    made = other.rotate().kid
    assert mine.active().kid != made
    monkeypatch.setattr(signing_keys, "_REREAD", -1.0)
    assert mine.active().kid == made


def test_keys_that_vanish_are_missed_by_name(
    tmp_path: Path, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = opened(tmp_path, clock)
    for file in tmp_path.iterdir():
        file.unlink()
    (tmp_path / "signing-readme.pem").write_text("not a key of ours")
    monkeypatch.setattr(signing_keys, "_REREAD", -1.0)
    with pytest.raises(SigningKeyMissingError):
        keys.active()


def test_a_key_of_another_kind_is_refused(tmp_path: Path, clock: Hands) -> None:
    kid = thumbprint(Ed25519PrivateKey.generate().public_key())
    pem = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / f"signing-20260102T030405000000Z-{kid}.pem").write_bytes(pem)
    with pytest.raises(SigningKeyMissingError, match="another kind"):
        opened(tmp_path, clock)
