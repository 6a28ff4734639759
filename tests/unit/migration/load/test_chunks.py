"""Cuts are the same for the same records, and small enough to hold."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caravan.migration.load.chunks import FIRST_CHUNK_RECORDS, cut
from caravan.migration.load.readers import BrokenRecord, Record


def records(sizes: list[int]) -> list[Record]:
    return [Record(n, n * 100, bytes([n % 256]) * size) for n, size in enumerate(sizes)]


@given(st.lists(st.integers(0, 30), max_size=200), st.integers(1, 60), st.integers(1, 80))
def test_chunks_hold_all_records_in_order_within_their_bounds(
    sizes: list[int], most: int, most_bytes: int
) -> None:
    whole = records(sizes)
    chunks = list(cut(iter(whole), most_records=most, most_bytes=most_bytes))
    assert [record for chunk in chunks for record in chunk.records] == whole
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    for chunk in chunks:
        assert 1 <= len(chunk.records) <= most
        assert len(chunk.records) == 1 or sum(len(record.raw) for record in chunk.records) <= most_bytes
        assert chunk.first_ordinal == chunk.records[0].ordinal
    again = list(cut(iter(whole), most_records=most, most_bytes=most_bytes))
    assert [chunk.source_hash for chunk in again] == [chunk.source_hash for chunk in chunks]


def test_the_first_chunk_is_small() -> None:
    sizes = [len(chunk.records) for chunk in cut(iter(records([1] * 700)))]
    assert sizes == [FIRST_CHUNK_RECORDS, 500, 150]


def test_the_hash_tells_where_one_record_ends_and_the_next_begins() -> None:
    one = list(cut(iter([Record(0, 0, b"ab"), Record(1, 2, b"c")])))
    other = list(cut(iter([Record(0, 0, b"a"), Record(1, 1, b"bc")])))
    assert one[0].source_hash != other[0].source_hash


def test_records_before_a_damage_are_a_chunk_of_their_own() -> None:
    def damaged() -> Iterator[Record | BrokenRecord]:
        yield from records([1] * 60)
        raise ValueError("cut short")

    chunks = cut(damaged())
    assert [len(next(chunks).records), len(next(chunks).records)] == [50, 10]
    with pytest.raises(ValueError, match="cut short"):
        next(chunks)


def test_a_damage_before_the_first_record_leaves_no_chunk() -> None:
    def damaged() -> Iterator[Record | BrokenRecord]:
        raise ValueError("nothing")
        yield

    with pytest.raises(ValueError, match="nothing"):
        next(cut(damaged()))


def test_no_records_are_no_chunks() -> None:
    assert list(cut(iter([]))) == []
    assert all(one.number < two.number for one, two in pairwise(cut(iter(records([1] * 600)))))


def test_cuts_that_the_ledger_knows_are_made_again_whatever_the_size_is_now() -> None:
    whole = records([1] * 260)
    before = list(cut(iter(whole), most_records=100))
    known = {chunk.number: len(chunk.records) for chunk in before}
    after = list(cut(iter(whole), known, most_records=7, most_bytes=20))
    assert [chunk.source_hash for chunk in after] == [chunk.source_hash for chunk in before]
    more = list(cut(iter(records([1] * 270)), known, most_records=7))
    assert [len(chunk.records) for chunk in more] == [50, 100, 100, 10, 7, 3]


def test_a_known_chunk_that_has_grown_beyond_measure_is_cut_all_the_same() -> None:
    grown = records([100] * 40)
    sizes = [len(chunk.records) for chunk in cut(iter(grown), {0: 40}, most_records=40, most_bytes=100)]
    assert sizes[0] == 8
    assert sum(sizes) == 40
