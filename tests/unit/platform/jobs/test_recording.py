"""The recorder of a guardian: both ends of a flood, a full disk, and a reader beside it."""

import errno
import os
import random
import time
from pathlib import Path

import pytest

from caravan.platform.jobs.guardian import recording
from caravan.platform.jobs.guardian.recording import Recorder
from caravan.platform.jobs.output_files import OutputReader, pieces
from tests.fixtures.own_copy import own_copy


def flood(folder: Path, sizes: list[int], limit: int) -> tuple[bytes, Recorder]:
    recorder, whole = Recorder(str(folder), "output", limit), b""
    for n, size in enumerate(sizes):
        part = bytes([n % 251]) * size
        whole += part
        recorder.write("stdout" if n % 2 else "stderr", part)
    recorder.close()
    return whole, recorder


@pytest.mark.parametrize("seed", range(20))
def test_the_beginning_and_the_end_are_kept_and_the_rest_is_counted(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - to be repeated
    limit = dice.choice((100, 1000, 5000))
    whole, recorder = flood(tmp_path, [dice.randint(1, 700) for _ in range(60)], limit)
    kept = list(pieces(tmp_path, "output"))
    for piece in kept:
        assert whole[piece.position : piece.position + len(piece.content)] == piece.content
    size = sum(len(piece.content) for piece in kept)
    assert size + recorder.dropped == recorder.position == len(whole)
    assert size >= min(limit, len(whole))
    assert size <= 2 * limit
    held = {at for piece in kept for at in range(piece.position, piece.position + len(piece.content))}
    half = min(limit // 2, len(whole))
    assert held.issuperset(range(half))
    assert held.issuperset(range(len(whole) - half, len(whole)))


def test_what_fits_is_kept_whole(tmp_path: Path) -> None:
    whole, recorder = flood(tmp_path, [10, 1, 30], 1000)
    assert b"".join(piece.content for piece in pieces(tmp_path, "output")) == whole
    assert recorder.dropped == 0


def test_a_full_disk_loses_what_comes_meanwhile_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(str(tmp_path), "output", 10_000)
    recorder.write("stdout", b"before")
    real = os.write

    def full(descriptor: int, content: bytes) -> int:
        if len(content) > 5:
            return real(descriptor, content[:5])  # half a record still fits
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(recording, "os", own_copy(os, write=full))
    recorder.write("stdout", b"lost in between")
    monkeypatch.setattr(recording, "os", os)
    recorder.write("stdout", b"still lost: it is not tried at each line")
    monkeypatch.setattr(recording, "time", own_copy(time, monotonic=lambda: 1e12))
    recorder.write("stdout", b"after")
    recorder.close()
    kept = list(pieces(tmp_path, "output"))
    assert [piece.content for piece in kept] == [b"before", b"after"]
    assert recorder.dropped == recorder.position - len(b"beforeafter")
    assert kept[1].position == recorder.position - len(b"after")


def test_a_reader_beside_it_gets_each_piece_once_and_no_half_ones(tmp_path: Path) -> None:
    recorder, reader = Recorder(str(tmp_path), "output", 10_000), OutputReader(tmp_path, "output")
    assert list(reader.fresh()) == []
    recorder.write("stdout", b"one")
    assert [piece.content for piece in reader.fresh()] == [b"one"]
    assert list(reader.fresh()) == []
    file = next(tmp_path.glob("output-*"))
    with file.open("ab") as half:
        half.write(b"3 stdout 9\nhal")
    assert list(reader.fresh()) == []
    with file.open("ab") as half:
        half.write(b"f a one")
    assert [piece.content for piece in reader.fresh()] == [b"half a on"]
    assert [piece.content for piece in OutputReader(tmp_path, "output", behind=0).fresh()] == [b"half a on"]
