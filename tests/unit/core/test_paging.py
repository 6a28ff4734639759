"""Cursors are opaque, whole, and bound to their list."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caravan.core.paging import CursorError, decode_cursor, encode_cursor


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_a_cursor_gives_back_its_position(position: list[str]) -> None:
    assert (
        decode_cursor(encode_cursor("orders:-placed_at", *position), "orders:-placed_at", len(position))
        == position
    )


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "x",
        "%%%",
        "é",
        "bnVsbA",
        base64.urlsafe_b64encode(b'["orders",1]').decode(),
        encode_cursor("orders"),
        "=" * 9,
    ],
)
def test_a_damaged_cursor_is_said_to_be_one(bad: str) -> None:
    with pytest.raises(CursorError, match="damaged"):
        decode_cursor(bad, "orders", 1)


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(CursorError, match="'customers'"):
        decode_cursor(encode_cursor("customers", "a"), "orders", 1)


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    with pytest.raises(CursorError):
        decode_cursor(base64.urlsafe_b64encode(raw).decode(), "orders", 7)
