"""Sealed values open with their key and for their purpose, and in no other way."""

import stat
from pathlib import Path

import pytest

from caravan.platform.identity.errors import SigningKeyMissingError
from caravan.platform.identity.sealing import BrokenSealError, Sealer


def test_what_is_sealed_opens_for_its_purpose(tmp_path: Path) -> None:
    sealed = Sealer.open(tmp_path, may_create=True).seal(b"secret", purpose="totp:1")
    assert b"secret" not in sealed
    assert Sealer.open(tmp_path, may_create=False).unseal(sealed, purpose="totp:1") == b"secret"


def test_a_value_moved_elsewhere_does_not_open(tmp_path: Path) -> None:
    sealer = Sealer.open(tmp_path, may_create=True)
    with pytest.raises(BrokenSealError):
        sealer.unseal(sealer.seal(b"secret", purpose="totp:1"), purpose="totp:2")


@pytest.mark.parametrize("broken", [b"", b"\x01short", b"\x02" + b"0" * 40])
def test_what_was_never_sealed_does_not_open(tmp_path: Path, broken: bytes) -> None:
    with pytest.raises(BrokenSealError):
        Sealer.open(tmp_path, may_create=True).unseal(broken, purpose="totp:1")


def test_the_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    Sealer.open(tmp_path, may_create=True)
    assert [stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()] == [0o600]


def test_in_production_a_missing_key_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SigningKeyMissingError):
        Sealer.open(tmp_path, may_create=False)
    assert list(tmp_path.iterdir()) == []
