"""Messages as the manual of PostgreSQL lays them out, put together by hand."""

import struct
from datetime import UTC, datetime

import pytest

from caravan.migration.capture.slot import messages
from caravan.migration.capture.slot.messages import UNCHANGED, MessageError, Relation, RelationColumn, Row


def _text(value: bytes) -> bytes:
    return b"t" + struct.pack(">I", len(value)) + value


def _tuple(*cells: bytes) -> bytes:
    return struct.pack(">h", len(cells)) + b"".join(cells)


def test_a_relation_names_its_columns_and_its_identity():
    column = b"\x01id\0" + struct.pack(">Ii", 20, -1) + b"\x00note\0" + struct.pack(">Ii", 1043, 44)
    told = b"R" + struct.pack(">I", 16_400) + b"shop\0orders\0" + b"d" + struct.pack(">h", 2) + column

    assert messages.relation(told) == Relation(
        16_400,
        "shop",
        "orders",
        "d",
        (
            RelationColumn("id", is_key=True, type_oid=20, modifier=-1),
            RelationColumn("note", is_key=False, type_oid=1043, modifier=44),
        ),
    )


def test_a_commit_tells_the_position_behind_it_and_its_time():
    told = b"C" + struct.pack(">BQQq", 0, 0x1_0000_0010, 0x1_0000_0040, 1_000_000)
    assert messages.commit(told) == (0x1_0000_0040, datetime(2000, 1, 1, 0, 0, 1, tzinfo=UTC))


def test_rows_are_told_with_nulls_and_values_that_were_left_alone():
    oid = struct.pack(">I", 7)
    after = _tuple(_text(b"1"), b"n", b"u", _text(b""))
    before = _tuple(_text(b"2"), b"n")

    assert messages.insert(b"I" + oid + b"N" + after) == Row(7, None, [b"1", None, UNCHANGED, b""])
    assert messages.update(b"U" + oid + b"N" + after) == Row(7, None, [b"1", None, UNCHANGED, b""])
    assert messages.update(b"U" + oid + b"K" + before + b"N" + after) == Row(
        7, [b"2", None], [b"1", None, UNCHANGED, b""]
    )
    assert messages.delete(b"D" + oid + b"O" + before) == Row(7, [b"2", None], None)


def test_a_logical_message_and_a_truncate():
    told = b"M" + struct.pack(">BQ", 1, 99) + b"caravan\0" + struct.pack(">I", 2) + b"me"
    assert messages.logical_message(told) == (True, "caravan", b"me")
    assert messages.truncate(b"T" + struct.pack(">IBII", 2, 0, 7, 8)) == (7, 8)


@pytest.mark.parametrize("cell", [b"b\0\0\0\x01x", b"?"])
def test_what_was_not_asked_for_is_not_guessed_at(cell: bytes):
    with pytest.raises(MessageError):
        messages.insert(b"I" + struct.pack(">I", 7) + b"N" + _tuple(cell))
