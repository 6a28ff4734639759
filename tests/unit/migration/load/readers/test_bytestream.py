import gzip
from pathlib import Path

import pytest

from caravan.migration.load.readers.bytestream import PIECE, Meter, StreamDamagedError, pieces


def _all(path: Path, compressed: bool = True) -> bytes:
    return b"".join(pieces(path, compressed=compressed, meter=Meter()))


def test_several_gzip_members_and_zero_padding_are_one_stream(tmp_path: Path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"one ", mtime=0) + b"\0\0" + gzip.compress(b"two", mtime=0) + b"\0" * 10)
    assert _all(path) == b"one two"


def test_a_bomb_comes_out_in_pieces(tmp_path: Path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(bytes(50 * PIECE)))
    sizes = [len(piece) for piece in pieces(path, compressed=True, meter=Meter())]
    assert sum(sizes) == 50 * PIECE
    assert max(sizes) <= PIECE


def test_output_held_back_at_the_limit_is_not_forgotten(tmp_path: Path):
    path = tmp_path / "x.gz"
    for size in (PIECE - 1, PIECE, PIECE + 1, 3 * PIECE):
        path.write_bytes(gzip.compress(b"ab" * (size // 2) + b"c" * (size % 2)))
        assert len(_all(path)) == size


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cut short"),
        (gzip.compress(b"x" * 100, mtime=0)[:-1], "cut short"),
        (gzip.compress(b"x" * 100, mtime=0) + b"tail", "corrupt"),
        (b"plain text", "corrupt"),
    ],
)
def test_a_stream_that_is_not_whole_says_so(tmp_path: Path, content, message):
    (tmp_path / "x.gz").write_bytes(content)
    with pytest.raises(StreamDamagedError, match=message):
        _all(tmp_path / "x.gz")


def test_all_bytes_before_the_corrupt_one_are_given(tmp_path: Path):
    content = bytearray(gzip.compress(bytes(range(256)) * 2000, compresslevel=0))
    content[-5] ^= 0xFF
    (tmp_path / "x.gz").write_bytes(content)
    found: list[bytes] = []
    with pytest.raises(StreamDamagedError) as caught:
        found.extend(pieces(tmp_path / "x.gz", compressed=True, meter=Meter()))
    assert b"".join(found) == bytes(range(256)) * 2000
    assert caught.value.offset == 256 * 2000


def test_the_meter_counts_bytes_on_disk(tmp_path: Path):
    (tmp_path / "x").write_bytes(bytes(PIECE + 5))
    meter = Meter()
    stream = pieces(tmp_path / "x", compressed=False, meter=meter)
    next(stream)
    assert (meter.consumed, meter.given, meter.total) == (PIECE, PIECE, PIECE + 5)
    stream.close()
    assert len(_all(tmp_path / "x", compressed=False)) == PIECE + 5


def test_a_file_that_cannot_be_read_is_a_damage_with_the_reason(tmp_path: Path):
    with pytest.raises(StreamDamagedError, match="Is a directory"):
        _all(tmp_path)
