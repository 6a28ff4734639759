"""What is written can be read, in order, within limits; a torn end is cut and said."""

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from caravan.migration.exchange import Answer, Body, Exchange, Request
from caravan.migration.recording import Recording, RecordingMissing, RedactingWriter, Retention
from caravan.migration.recording.exchange_bytes import exchange_of, to_bytes
from caravan.migration.recording.segments import SegmentWriter

BEGAN = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)
Made = Callable[..., Exchange]


def written(recording: Recording, exchanges: list[Exchange]) -> None:
    writer = RedactingWriter(recording)
    for exchange in exchanges:
        writer.write(exchange)
    writer.close()


def test_an_exchange_comes_back_as_it_was(made: Made) -> None:
    exchange = made(
        "//a%2Fb?x=1&x=%00",
        method="POST",
        headers=(("X-A", "\xff"), ("x-a", "2")),
        body=b"\x00\xff",
        client="c",
        tags=("t",),
    )
    assert exchange_of(memoryview(to_bytes(exchange))) == exchange


def test_a_body_that_was_too_long_keeps_its_length_and_hash(made: Made) -> None:
    exchange = made()
    long = Exchange(
        exchange.id,
        exchange.at,
        Request("GET", "/"),
        Answer(0, (), Body(None, 2**21, b"\x07" * 32), failure="reset"),
    )
    assert exchange_of(memoryview(to_bytes(long))) == long


def test_a_recording_is_read_in_the_order_it_was_written(recording: Recording, made: Made) -> None:
    exchanges = [made(f"/items/{number}", after=number) for number in range(1200)]
    written(recording, exchanges)
    assert [exchange.request.target for exchange in recording.read()] == [f"/items/{n}" for n in range(1200)]


def test_a_span_of_time_leaves_out_what_was_before_and_after(recording: Recording, made: Made) -> None:
    written(recording, [made(f"/items/{number}", after=number) for number in range(1200)])
    span = recording.read(since=BEGAN + timedelta(seconds=600), until=BEGAN + timedelta(seconds=603))
    assert [exchange.request.target for exchange in span] == ["/items/600", "/items/601", "/items/602"]


def test_the_summary_tells_counts_and_span_without_inflating(recording: Recording, made: Made) -> None:
    written(recording, [made(after=number) for number in range(700)])
    told = recording.summary()
    assert (told.exchanges, told.segments, told.damages) == (700, 1, ())
    assert (told.first, told.last) == (BEGAN, BEGAN + timedelta(seconds=699))


def test_files_are_their_owners_alone(recording: Recording, made: Made) -> None:
    written(recording, [made()])
    assert {stat.S_IMODE(path.stat().st_mode) for path in recording.folder.iterdir()} == {0o600}
    assert stat.S_IMODE(recording.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("cut", [1, 20, 45])
def test_a_torn_end_is_cut_and_said(recording: Recording, made: Made, cut: int) -> None:
    written(
        recording, [made(f"/items/{number}", answer=b"x" * 600, kind="text/plain") for number in range(1000)]
    )
    (segment,) = recording.segments()
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-cut])
    reading = recording.read()
    targets = [exchange.request.target for exchange in reading]
    assert 0 < len(targets) < 1000
    assert targets == [f"/items/{number}" for number in range(len(targets))]
    (damage,) = reading.damages
    assert "cut short" in str(damage)
    assert damage.file == segment.name
    assert damage.offset + damage.lost == len(whole) - cut


def test_a_flipped_bit_is_found_and_what_was_before_it_is_read(recording: Recording, made: Made) -> None:
    written(recording, [made(f"/items/{number}") for number in range(1000)])
    (segment,) = recording.segments()
    data = bytearray(segment.read_bytes())
    data[-5] ^= 1
    segment.write_bytes(data)
    reading = recording.read()
    assert len(list(reading)) == 500
    assert "checksum" in reading.damages[0].problem


def test_a_new_writer_leaves_a_torn_segment_alone_and_goes_on_beside_it(
    recording: Recording, made: Made
) -> None:
    written(recording, [made("/old")])
    (segment,) = recording.segments()
    segment.write_bytes(segment.read_bytes()[:-1])
    written(recording, [made("/new")])
    reading = recording.read()
    assert [exchange.request.target for exchange in reading] == ["/new"]
    assert len(reading.damages) == 1


def test_a_file_that_is_no_segment_is_said(recording: Recording, made: Made) -> None:
    written(recording, [made()])
    (recording.folder / "0.cvrec").write_bytes(b"something else")
    reading = recording.read()
    assert len(list(reading)) == 1
    assert "no segment" in reading.damages[0].problem


def segments_of(recording: Recording, made: Made, ages: list[int]) -> None:
    """One segment per age in days."""
    recording.folder.mkdir()
    for age in ages:
        writer = SegmentWriter(recording.folder)
        writer.append(made(after=-86400 * age, answer=b"x" * 100, kind="text/plain"))
        writer.close()
        written_at = (BEGAN - timedelta(days=age)).timestamp()
        os.utime(recording.segments()[-1], (written_at, written_at))


def test_what_is_too_old_goes(recording: Recording, made: Made) -> None:
    segments_of(recording, made, [9, 5, 1])
    pruned = recording.prune(Retention(age=timedelta(days=4)), now=BEGAN)
    assert pruned.segments == 2
    assert [exchange.at for exchange in recording.read()] == [BEGAN - timedelta(days=1)]


def test_what_is_too_much_goes_oldest_first(recording: Recording, made: Made) -> None:
    segments_of(recording, made, [3, 2, 1])
    size = recording.segments()[0].stat().st_size
    recording.prune(Retention(age=timedelta(days=99), size=2 * size + 8), now=BEGAN)
    assert [exchange.at for exchange in recording.read()] == [
        BEGAN - timedelta(days=2),
        BEGAN - timedelta(days=1),
    ]


def test_a_writer_holds_the_size_while_it_writes(recording: Recording, made: Made) -> None:
    limit = 64 * 1024
    writer = RedactingWriter(recording, retention=Retention(size=limit))
    for number in range(6000):
        writer.write(made(f"/items/{number}-{number * 7919}"))
    writer.close()
    told = recording.summary()
    assert told.size <= limit
    assert 0 < told.exchanges < 6000
    assert list(recording.read())[-1].request.target == f"/items/5999-{5999 * 7919}"


def test_where_no_recording_is_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecordingMissing, match="no recording"):
        Recording.existing(tmp_path)


def test_a_span_that_begins_inside_a_frame_leaves_nothing_out(recording: Recording, made: Made) -> None:
    written(recording, [made(after=number) for number in (5, 1, 3)])
    span = recording.read(since=BEGAN + timedelta(seconds=2))
    assert sorted((exchange.at - BEGAN).seconds for exchange in span) == [3, 5]
