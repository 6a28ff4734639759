"""A key is made once, for its owner alone, and never replaced."""

import errno
import multiprocessing
import os
import stat
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from caravan.core import key_files
from caravan.core.key_files import create_secret, kept_secret
from tests.fixtures.own_copy import own_copy

_PROCESSES = 6


def _race(path: Path, barrier: Barrier, told: Path) -> None:
    barrier.wait(timeout=30)
    key = kept_secret(path, lambda: os.urandom(32))
    (told / str(os.getpid())).write_bytes(key)


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    told = tmp_path / "told"
    told.mkdir()
    path, barrier = tmp_path / "keys" / "a.key", spawn.Barrier(_PROCESSES)
    racers = [spawn.Process(target=_race, args=(path, barrier, told)) for _ in range(_PROCESSES)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(timeout=60)
    assert [racer.exitcode for racer in racers] == [0] * _PROCESSES
    keys = [file.read_bytes() for file in told.iterdir()]
    assert len(keys) == _PROCESSES
    assert set(keys) == {path.read_bytes()}
    assert [file.name for file in path.parent.iterdir()] == ["a.key"]


def test_file_and_folder_are_their_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / "keys" / "a.key"
    assert kept_secret(path, lambda: b"secret") == b"secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_folder_that_stood_open_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    kept_secret(folder / "a.key", lambda: b"secret")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_key_that_is_there_is_read_and_none_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    path.write_bytes(b"old")

    def never() -> bytes:
        raise AssertionError("a second key was made")

    assert kept_secret(path, never) == b"old"


def test_who_comes_second_leaves_the_first_ones_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    assert create_secret(path, b"first")
    assert not create_secret(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_of_a_full_disk_no_half_of_a_key_remains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(key_files, "os", own_copy(os, fsync=full))
    with pytest.raises(OSError, match="No space left"):
        create_secret(tmp_path / "a.key", b"secret")
    assert list(tmp_path.iterdir()) == []
