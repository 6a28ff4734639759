"""The original of a quarantined record, as people can read it."""

from datetime import UTC, datetime
from pathlib import Path

import bson
import pytest
from bson.datetime_ms import DatetimeMS

from caravan.core.secrets_box import Box, BoxError
from caravan.migration.load.originals import readable


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "quarantine.key")


def test_bson_is_shown_as_extended_json(box: Box) -> None:
    raw = bson.encode(
        {"_id": 7, "name": "أحمد", "at": datetime(2026, 1, 2, tzinfo=UTC), "late": DatetimeMS(10**17)}
    )
    text = readable(box, box.seal(raw))
    assert '"name": "أحمد"' in text
    assert '"$date": "2026-01-02T00:00:00Z"' in text
    assert '"$numberLong": "100000000000000000"' in text


def test_json_is_shown_in_order(box: Box) -> None:
    assert readable(box, box.seal(b'{"b": 1, "a": {"$numberDecimal": "1.50"}}')).startswith(
        '{\n  "b": 1,\n  "a": {'
    )


def test_broken_text_is_shown_as_it_is(box: Box) -> None:
    assert readable(box, box.seal(b'{"a": ')) == '{"a": '


def test_other_bytes_are_shown_as_digits(box: Box) -> None:
    assert readable(box, box.seal(b"\xff\x00\x01")) == "ff 00 01"


def test_what_is_very_long_is_cut(box: Box) -> None:
    text = readable(box, box.seal(b"x" * 300_000))
    assert text.endswith("cut after 262,144 of 300,000 characters")


def test_another_key_opens_nothing(box: Box, tmp_path: Path) -> None:
    with pytest.raises(BoxError):
        readable(Box(tmp_path / "other.key"), box.seal(b"{}"))
