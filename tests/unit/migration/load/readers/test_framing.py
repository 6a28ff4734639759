from collections.abc import Iterator

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caravan.migration.load.readers.bytestream import StreamDamagedError
from caravan.migration.load.readers.framing import TERMINATOR, frames, is_whole
from caravan.migration.load.readers.protocol import KEPT_OF_BROKEN, MAX_DOCUMENT

_DOCUMENTS = st.lists(
    st.dictionaries(st.text(max_size=5).filter(lambda key: "\0" not in key), st.integers(-9, 9))
)


def _cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    for size in sizes:
        if not data:
            return
        yield data[:size]
        data = data[size:]
    if data:
        yield data


@given(_DOCUMENTS, st.lists(st.integers(1, 50), max_size=50))
def test_documents_are_found_however_the_stream_is_cut(documents, sizes):
    raws = [bson.encode(document) for document in documents]
    found = list(frames(_cut(b"".join(raws), sizes), start=4))
    assert [raw for _, _, raw in found] == raws
    assert all(is_whole(frame) for frame in found)
    assert [offset for offset, _, _ in found] == [
        4 + sum(map(len, raws[:index])) for index in range(len(raws))
    ]


@given(st.binary(max_size=200), st.lists(st.integers(1, 50), max_size=10))
def test_any_bytes_give_frames_or_a_damage_and_cover_the_stream(data, sizes):
    end, damage = 0, None
    try:
        for offset, size, raw in frames(_cut(data, sizes)):
            assert offset == end
            assert data[offset:].startswith(raw)
            end = offset + (4 if size == TERMINATOR else size)
    except StreamDamagedError as error:
        damage = error.offset
    assert end == (len(data) if damage is None else damage)


def test_a_document_too_large_is_passed_over_and_counted():
    size = MAX_DOCUMENT + 1
    large = size.to_bytes(4, "little") + b"y" * (size - 4)
    small = bson.encode({"a": 1})
    seen: list[int] = []
    stream = _cut(small + large + small, [10_000_000, 100, 5_000_000])
    found = list(frames(stream, oversize=lambda piece: seen.append(len(piece))))
    assert [(offset, stated) for offset, stated, _ in found] == [
        (0, len(small)),
        (len(small), size),
        (len(small) + size, len(small)),
    ]
    assert found[1][2] == large[:KEPT_OF_BROKEN]
    assert not is_whole(found[1])
    assert sum(seen) == size


def test_a_document_too_large_and_cut_is_a_damage():
    with pytest.raises(StreamDamagedError, match="ends inside a document") as caught:
        list(frames(iter([(MAX_DOCUMENT + 1).to_bytes(4, "little"), b"x" * 100]), start=9))
    assert caught.value.offset == 9
