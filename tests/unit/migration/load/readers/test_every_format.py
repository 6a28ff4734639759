import gzip
from pathlib import Path

import bson
import pytest

from caravan.migration.load.readers import (
    BrokenRecord,
    Record,
    RecordUndecodable,
    SourceCollectionMissing,
    SourceUnreadable,
    decode,
    open_source,
)


def test_the_same_documents_come_out_of_every_format(tmp_path: Path, write, documents):
    reader = open_source(write(tmp_path, {"orders": documents}))
    records = list(reader.read("orders"))
    assert [decode(reader.format, record.raw) for record in records] == documents
    assert [record.ordinal for record in records] == list(range(len(documents)))


def test_types_are_those_of_bson_where_the_format_states_them(tmp_path: Path, write, documents):
    reader = open_source(write(tmp_path, {"orders": documents}))
    loaded = [decode(reader.format, record.raw) for record in reader.read("orders")]
    for expected, found in zip(documents, loaded, strict=True):
        for key, value in expected.items():
            kinds = (type(value), int) if isinstance(value, int) else (type(value),)
            assert type(found[key]) in kinds, key


def test_the_offset_is_the_place_of_the_bytes_in_the_decompressed_stream(tmp_path: Path, write, documents):
    source = write(tmp_path, {"orders": documents})
    reader = open_source(source)
    file = reader.collections()["orders"].files[0]
    content = file.read_bytes()
    content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    for record in reader.read("orders"):
        assert content[record.offset : record.offset + len(record.raw)] == record.raw


def test_every_collection_is_found_and_read_alone(tmp_path: Path, write):
    collections = {
        name: [{"_id": index, "in": name} for index in range(5)] for name in ("orders", "promos", "users")
    }
    collections["empty"] = []
    reader = open_source(write(tmp_path, collections))
    assert set(reader.collections()) >= {"orders", "promos", "users"}
    for name, documents in collections.items():
        if name == "empty" and reader.format == "ejson":
            continue
        assert [decode(reader.format, record.raw) for record in reader.read(name)] == documents


def test_a_collection_that_is_not_there_is_named_with_those_that_are(tmp_path: Path, write, documents):
    reader = open_source(write(tmp_path, {"orders": documents}))
    with pytest.raises(SourceCollectionMissing, match="no collection 'ordres'; it has orders"):
        list(reader.read("ordres"))


def test_the_position_reaches_the_size_of_the_file(tmp_path: Path, write, documents):
    reader = open_source(write(tmp_path, {"orders": documents}))
    size = reader.collections()["orders"].files[0].stat().st_size
    assert all(type(record) is Record for record in reader.read("orders"))
    assert reader.position() == (size, size)


def test_reading_twice_gives_the_same(tmp_path: Path, write, documents):
    reader = open_source(write(tmp_path, {"orders": documents}))
    assert list(reader.read("orders")) == list(reader.read("orders"))


def test_a_document_of_17_megabytes_is_broken_and_the_next_is_read(tmp_path: Path, write):
    big = {"_id": 2, "text": "x" * 17_000_000}
    reader = open_source(write(tmp_path, {"orders": [{"_id": 1}, big, {"_id": 3}]}))
    first, broken, last = reader.read("orders")
    assert decode(reader.format, first.raw) == {"_id": 1}
    assert decode(reader.format, last.raw) == {"_id": 3}
    assert (broken.ordinal, last.ordinal) == (1, 2)
    if reader.format == "bson":
        assert type(broken) is BrokenRecord
        assert broken.reason == "record.too_large"
        assert broken.raw == bson.encode(big)[: 64 * 1024]
        return
    with pytest.raises(RecordUndecodable) as caught:
        decode(reader.format, broken.raw)
    assert caught.value.reason == "record.too_large"


def test_nothing_there_is_said_plainly(tmp_path: Path):
    with pytest.raises(SourceUnreadable, match="does not exist"):
        open_source(tmp_path / "nowhere")


def test_a_folder_without_data_is_said_plainly(tmp_path: Path):
    (tmp_path / "README").write_text("no dump")
    with pytest.raises(SourceUnreadable, match=r"no \.bson, \.json or \.jsonl"):
        open_source(tmp_path)


def test_a_file_of_another_kind_is_said_plainly(tmp_path: Path):
    (tmp_path / "orders.txt").write_text("id,state\n1,complete\n")
    with pytest.raises(SourceUnreadable, match="neither a mongodump file or archive nor Extended JSON"):
        open_source(tmp_path / "orders.txt")


def test_a_wrong_kind_names_the_right_ones(tmp_path: Path):
    with pytest.raises(SourceUnreadable, match="known are mongodump, mongodump-archive, extended-json"):
        open_source(tmp_path, "bson")  # type: ignore[arg-type]  # what a file may say, a type cannot forbid


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("mongodump", r"no \.bson"),
        ("extended-json", r"no \.json"),
        ("mongodump-archive", "is a folder"),
    ],
)
def test_a_stated_kind_is_not_guessed_at(tmp_path: Path, kind, message):
    with pytest.raises(SourceUnreadable, match=message):
        open_source(tmp_path, kind)


def test_a_file_with_a_gzip_beginning_and_nothing_behind_is_said_plainly(tmp_path: Path):
    (tmp_path / "dump").write_bytes(b"\x1f\x8b\xff\xff\xff\xff\xff\xff\xff\xff\xff")
    with pytest.raises(SourceUnreadable, match="neither"):
        open_source(tmp_path / "dump")
