"""Sealed bytes open with their key alone."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caravan.core.secrets_box import Box, BoxError


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "keys" / "test.key")


def test_the_key_is_made_once_and_only_its_owner_reads_it(box: Box) -> None:
    sealed = box.seal(b"secret")
    assert Box(box.key_path).open(sealed) == b"secret"
    assert box.key_path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in box.key_path.parent.iterdir()] == ["test.key"]


def test_of_makers_at_once_all_seal_with_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        boxes = list(pool.map(Box, [tmp_path / "k"] * 4))
    assert [one.open(boxes[0].seal(b"x")) for one in boxes] == [b"x"] * 4


@given(plain=st.binary())
def test_equal_bytes_seal_differently_and_open_alike(
    tmp_path_factory: pytest.TempPathFactory, plain: bytes
) -> None:
    box = Box(tmp_path_factory.getbasetemp() / "given.key")
    one, other = box.seal(plain), box.seal(plain)
    assert one != other
    assert box.open(one) == box.open(other) == plain


def test_changed_cut_and_foreign_bytes_do_not_open(box: Box, tmp_path: Path) -> None:
    sealed = box.seal(b"secret")
    for wrong in (sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1]), b"\x02" + sealed[1:], b"", sealed[:5]):
        with pytest.raises(BoxError):
            box.open(wrong)
    with pytest.raises(BoxError):
        Box(tmp_path / "other").open(sealed)


def test_a_file_that_is_no_key_is_said(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"1234")
    with pytest.raises(BoxError, match="4 bytes"):
        Box(tmp_path / "short")
