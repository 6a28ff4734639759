from pathlib import Path

import bson
import pytest
from bson import Int64
from fastcrc import crc64

from caravan.migration.load.readers import BrokenRecord, SourceDamaged, decode, open_source
from caravan.migration.load.readers.archive import ARCHIVE_MAGIC
from caravan.migration.load.writers import write_archive

END = b"\xff\xff\xff\xff"
HEADER = {"concurrent_collections": 1, "version": "0.1", "server_version": "4.0.0", "tool_version": "r4"}


def _archive(path: Path, prelude: list[dict], blocks: list[tuple[dict, list[bytes]]]) -> Path:
    content = ARCHIVE_MAGIC + bson.encode(HEADER) + b"".join(map(bson.encode, prelude)) + END
    for header, documents in blocks:
        content += bson.encode(header) + b"".join(documents) + END
    path.write_bytes(content)
    return path


def _signed(*documents: bytes) -> Int64:
    crc = crc64.xz(b"".join(documents))
    return Int64(crc - 2**64 if crc >= 2**63 else crc)


def _block(name: str, *documents: bytes, database: str = "rps") -> tuple[dict, list[bytes]]:
    return {"db": database, "collection": name, "EOF": False, "CRC": Int64(0)}, list(documents)


def _ending(name: str, *documents: bytes, database: str = "rps") -> tuple[dict, list[bytes]]:
    return {"db": database, "collection": name, "EOF": True, "CRC": _signed(*documents)}, []


@pytest.mark.parametrize("documents_per_block", [1, 2, 3, 1000])
def test_interleaved_collections_come_apart(tmp_path: Path, documents_per_block):
    collections = {"a": [{"_id": n} for n in range(7)], "b": [{"_id": -n} for n in range(4)], "c": []}
    write_archive(tmp_path / "x", "rps", collections, documents_per_block=documents_per_block)
    reader = open_source(tmp_path / "x")
    assert list(reader.collections()) == ["a", "b", "c"]
    for name, documents in collections.items():
        assert [decode("bson", record.raw) for record in reader.read(name)] == documents


def test_an_archive_of_old_tools_without_size_and_type_is_read(tmp_path: Path):
    one, two = bson.encode({"_id": 1}), bson.encode({"_id": 2})
    path = _archive(
        tmp_path / "old.archive",
        [{"db": "rps", "collection": "orders", "metadata": "{}"}],
        [_block("orders", one), _block("orders", two), _ending("orders", one, two)],
    )
    reader = open_source(path)
    assert [record.raw for record in reader.read("orders")] == [one, two]
    assert reader.collections()["orders"].size == 0


def test_views_and_the_oplog_are_not_listed_and_the_size_is_told(tmp_path: Path):
    path = _archive(
        tmp_path / "x.archive",
        [
            {"db": "rps", "collection": "orders", "metadata": "{}", "size": 1234, "type": ""},
            {"db": "rps", "collection": "latest", "metadata": "{}", "size": 0, "type": "view"},
            {"db": "", "collection": "oplog", "metadata": "{}", "size": 0, "type": ""},
        ],
        [_block("oplog", bson.encode({"ts": 1}), database=""), _ending("orders")],
    )
    reader = open_source(path)
    assert {name: info.size for name, info in reader.collections().items()} == {"orders": 1234}
    assert list(reader.read("orders")) == []


def test_databases_with_the_same_collection_are_told_apart(tmp_path: Path):
    one, two = bson.encode({"_id": 1}), bson.encode({"_id": 2})
    path = _archive(
        tmp_path / "x.archive",
        [{"db": "a", "collection": "orders"}, {"db": "b", "collection": "orders"}],
        [
            _block("orders", one, database="a"),
            _block("orders", two, database="b"),
            _ending("orders", one, database="a"),
            _ending("orders", two, database="b"),
        ],
    )
    reader = open_source(path)
    assert [record.raw for record in reader.read("b.orders")] == [two]


def test_a_document_too_large_is_broken_and_still_counted_in_the_crc(tmp_path: Path):
    big, small = bson.encode({"_id": 1, "x": "y" * 17_000_000}), bson.encode({"_id": 2})
    path = _archive(
        tmp_path / "x.archive",
        [{"db": "rps", "collection": "orders"}, {"db": "rps", "collection": "other"}],
        [
            _block("other", big),
            _block("orders", big, small),
            _ending("orders", big, small),
            _ending("other", big),
        ],
    )
    broken, record = open_source(path).read("orders")
    assert type(broken) is BrokenRecord
    assert broken.reason == "record.too_large"
    assert record.raw == small
    assert len(list(open_source(path).read("other"))) == 1


@pytest.mark.parametrize(
    ("prelude", "blocks", "message"),
    [
        ([{"db": "rps"}], [], "a header without 'collection'"),
        ([{"db": "rps", "collection": "orders"}], [], "ends before the collection orders does"),
        (
            [{"db": "rps", "collection": "orders"}],
            [({"db": "rps", "collection": "orders", "EOF": True, "CRC": 0}, [bson.encode({})])],
            "ends without the end of its block",
        ),
        ([{"db": "rps", "collection": "orders"}], [({"x": 1}, [])], "a header without 'db'"),
        (
            [{"db": "rps", "collection": "orders"}],
            [({"db": "rps", "collection": "orders", "EOF": True, "CRC": "none"}, [])],
            "",
        ),
    ],
)
def test_an_archive_that_contradicts_its_layout_is_damaged(tmp_path: Path, prelude, blocks, message):
    path = _archive(tmp_path / "x.archive", prelude, blocks)
    if not message:  # the CRC of no document is zero, and so is one that is no number
        assert list(open_source(path).read("orders")) == []
        return
    with pytest.raises(SourceDamaged, match=message):
        list(open_source(path).read("orders"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ARCHIVE_MAGIC, "ends before the list of collections"),
        (ARCHIVE_MAGIC + bson.encode({"no": "header"}) + END, "header of the archive is missing"),
        (ARCHIVE_MAGIC + END, "a header is expected"),
        (ARCHIVE_MAGIC + b"\x06\0\0\0\x77\0", "a header cannot be read"),
        (b"\x6d\xe2", "ends inside the magic number"),
        (b"PK\x03\x04PK", "not the magic number"),
        (b"", "ends inside the magic number"),
    ],
)
def test_what_is_no_archive_is_damaged(tmp_path: Path, content, message):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(SourceDamaged, match=message):
        open_source(tmp_path / "x", "mongodump-archive")
