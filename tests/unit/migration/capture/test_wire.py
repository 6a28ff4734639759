"""Events as they come over the wire, with what is wrong with them."""

import struct
import zlib

import pytest

from caravan.migration.capture import CaptureStoppedError
from caravan.migration.capture.binlog.wire import ROTATE, EventStream, Place


def _packet(kind: int, end: int, body: bytes, at: int = 1_700_000_000) -> bytes:
    header = struct.pack("<IBIIIH", at, kind, 1, 19 + len(body) + 4, end, 0)
    return b"\0" + header + body + struct.pack("<I", zlib.crc32(header + body))


@pytest.fixture
def stream() -> EventStream:
    made = EventStream.__new__(EventStream)  # without a server
    made._host, made._checked, made._file, made._last = "mysql://h/shop", True, "log.000007", 0
    return made


def test_an_event_ends_at_its_place_in_the_file_that_is_read(stream: EventStream):
    event = stream._event(_packet(16, 345, b"12345678"))
    assert (event.kind, event.body, event.end) == (16, b"12345678", Place("log.000007", 345))
    assert event.end.number == 7 << 32 | 345


def test_behind_a_rotate_event_another_file_is_read(stream: EventStream):
    stream._event(_packet(16, 345, b""))
    assert stream._event(_packet(ROTATE, 400, struct.pack("<Q", 4) + b"log.000008")).end == Place(
        "log.000008", 4
    )
    assert stream._event(_packet(16, 99, b"")).end == Place("log.000008", 99)


def test_a_damaged_event_stops_the_capture(stream: EventStream):
    damaged = bytearray(_packet(16, 345, b"12345678"))
    damaged[25] ^= 1
    with pytest.raises(CaptureStoppedError, match=r"log\.000007 before 345 is damaged"):
        stream._event(bytes(damaged))


def test_a_file_whose_places_no_longer_fit_stops_the_capture(stream: EventStream):
    stream._event(_packet(16, 0xFFFF_FFF0, b""))
    with pytest.raises(CaptureStoppedError, match="larger than 4 GiB"):
        stream._event(_packet(16, 20, b""))
