"""The file of checkpoints, and the key that signs them."""

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from caravan.core.settings import Settings
from caravan.platform.audit import AuditKey, AuditKeyError, CheckpointFile, CheckpointFileError
from caravan.platform.audit.checkpoints import Checkpoint

ORG = UUID(int=7)
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def key(tmp_path: Path) -> AuditKey:
    return AuditKey.load(tmp_path / "keys")


@pytest.fixture
def file(tmp_path: Path) -> CheckpointFile:
    return CheckpointFile.of(Settings(_env_file=None, home=tmp_path))


def made(key: AuditKey, seq: int) -> Checkpoint:
    return Checkpoint.signed(key, ORG, seq, bytes([seq]) * 32, NOW)


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        ids = {key.id for key in pool.map(lambda _: AuditKey.load(tmp_path / "keys"), range(2))}
    assert ids == {AuditKey.load(tmp_path / "keys", make=False).id}
    (path,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_key_that_is_missing_or_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(AuditKeyError, match=r"audit\.pem"):
        AuditKey.load(tmp_path, make=False)
    (tmp_path / "audit.pem").write_bytes(b"nonsense")
    with pytest.raises(AuditKeyError, match="cannot be read"):
        AuditKey.load(tmp_path)
    other = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "audit.pem").write_bytes(other)
    with pytest.raises(AuditKeyError, match="not an Ed25519 key"):
        AuditKey.load(tmp_path)


def test_a_checkpoint_is_genuine_only_as_it_was_signed(key: AuditKey, tmp_path: Path) -> None:
    checkpoint = made(key, 3)
    assert checkpoint.is_genuine(key)
    assert not checkpoint.is_genuine(AuditKey.load(tmp_path / "other"))
    for change in (
        {"seq": 4},
        {"org": UUID(int=8)},
        {"chain_hash": bytes(32)},
        {"made_at": datetime.now(UTC)},
    ):
        assert not replace(checkpoint, **change).is_genuine(key)  # type: ignore[arg-type]  # fields by name


def test_a_rotated_key_signs_no_more_and_what_it_signed_stays_genuine(key: AuditKey, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    old = made(key, 3)
    fresh = AuditKey.rotate(folder)
    assert fresh.id != key.id
    assert old.is_genuine(fresh)
    assert made(fresh, 4).is_genuine(fresh)
    assert not made(fresh, 4).is_genuine(key)
    assert not replace(made(fresh, 4), key_id=key.id).is_genuine(fresh)
    twice = AuditKey.rotate(folder)
    assert old.is_genuine(twice)
    assert set(twice.retired) == {key.id, fresh.id}
    for path in folder.glob("audit-retired-*"):
        assert b"PRIVATE" not in path.read_bytes()


def test_a_retired_key_that_cannot_be_read_is_named(key: AuditKey, tmp_path: Path) -> None:
    del key
    AuditKey.rotate(tmp_path / "keys")
    [retired] = (tmp_path / "keys").glob("audit-retired-*")
    retired.write_text("none")
    with pytest.raises(AuditKeyError, match=retired.name):
        AuditKey.load(tmp_path / "keys")


def test_dropping_keeps_all_else_and_what_is_appended_meanwhile(file: CheckpointFile, key: AuditKey) -> None:
    file.append([made(key, n) for n in range(1, 101)])

    def append(n: int) -> None:
        file.append([made(key, 100 + n)])

    with ThreadPoolExecutor(4) as pool:
        writes = [pool.submit(append, n) for n in range(1, 41)]
        for start in range(1, 100, 10):
            file.drop([made(key, n) for n in range(start, start + 10) if n < 100])
        for write in writes:
            write.result()
    assert sorted(each.seq for each in file.read()) == list(range(100, 141))
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in file.path.parent.iterdir()] == [file.path.name]


def test_what_is_appended_is_read_and_the_newest_found(file: CheckpointFile, key: AuditKey) -> None:
    assert list(file.read()) == []
    file.append([])
    assert not file.path.exists()
    file.append([made(key, 2), made(key, 1)])
    file.append([made(key, 5)])
    assert [each.seq for each in file.read()] == [2, 1, 5]
    assert file.newest() == {ORG: made(key, 5)}
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_a_torn_last_line_is_ignored_and_does_not_spoil_the_next(file: CheckpointFile, key: AuditKey) -> None:
    file.append([made(key, 1), made(key, 2)])
    file.path.write_bytes(file.path.read_bytes()[:-20])
    assert [each.seq for each in file.read()] == [1]
    file.append([made(key, 3)])
    with pytest.raises(CheckpointFileError, match="line 2"):
        list(file.read())


def test_a_damaged_line_is_named(file: CheckpointFile, key: AuditKey) -> None:
    file.append([made(key, 1)])
    with file.path.open("a", encoding="ascii") as text:
        text.write('\n{"org": "x"}\n')
    with pytest.raises(CheckpointFileError, match="line 3"):
        list(file.read())
