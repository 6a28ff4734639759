import gzip
import json
import tracemalloc
from pathlib import Path

import bson
import pytest

from caravan.migration.load.readers import SourceDamaged, SourceUnreadable, decode, open_source
from caravan.migration.load.writers import write_dump_directory


def _ids(reader, collection: str) -> list[object]:
    return [decode("bson", record.raw)["_id"] for record in reader.read(collection)]


def test_a_long_name_is_cut_in_the_file_and_whole_in_the_metadata(tmp_path: Path):
    name = "order_history_" + "x" * 240
    files = write_dump_directory(tmp_path, "rps", {name: [{"_id": 1}]})
    assert "%24" in files[0].name
    assert len(files[0].name) < 255
    reader = open_source(tmp_path)
    assert list(reader.collections()) == [name]
    assert _ids(reader, name) == [1]


def test_a_long_name_without_its_metadata_is_refused(tmp_path: Path):
    _, metadata = write_dump_directory(tmp_path, "rps", {"x" * 250: []})
    metadata.unlink()
    with pytest.raises(SourceUnreadable, match="shortened name"):
        open_source(tmp_path)


@pytest.mark.parametrize("name", ["orders/2024", "what%ever", "كتاب", "with space", "a.b"])
def test_a_name_is_escaped_in_the_file_and_comes_back_with_or_without_metadata(tmp_path: Path, name):
    _, metadata = write_dump_directory(tmp_path, "rps", {name: [{"_id": 1}]})
    assert _ids(open_source(tmp_path), name) == [1]
    metadata.unlink()
    assert _ids(open_source(tmp_path), name) == [1]


def test_gzipped_metadata_and_metadata_without_a_name_are_understood(tmp_path: Path):
    for name in ("orders", "promos"):
        (tmp_path / f"{name}.bson").write_bytes(bson.encode({"_id": name}))
    (tmp_path / "orders.metadata.json.gz").write_bytes(
        gzip.compress(json.dumps({"collectionName": "sales"}).encode())
    )
    (tmp_path / "promos.metadata.json").write_text("{}")
    assert list(open_source(tmp_path).collections()) == ["promos", "sales"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_unreadable_metadata_is_named(tmp_path: Path, content):
    _, metadata = write_dump_directory(tmp_path, "rps", {"orders": []})
    metadata.write_bytes(content)
    with pytest.raises(SourceDamaged, match=r"orders\.metadata\.json: the metadata cannot be read"):
        open_source(tmp_path)


def test_databases_with_the_same_collection_are_told_apart(tmp_path: Path):
    for database in ("rps", "old"):
        write_dump_directory(tmp_path / database, database, {"orders": [{"_id": database}], database: []})
    reader = open_source(tmp_path)
    assert set(reader.collections()) == {"rps.orders", "old.orders", "rps", "old"}
    assert _ids(reader, "old.orders") == ["old"]
    assert _ids(reader, "rps.rps") == []


def test_the_oplog_at_the_top_of_a_dump_is_no_collection(tmp_path: Path):
    (tmp_path / "oplog.bson").write_bytes(bson.encode({"ts": 1}))
    write_dump_directory(tmp_path / "rps", "rps", {"orders": []})
    assert list(open_source(tmp_path).collections()) == ["orders"]


def test_one_file_is_a_source_of_one_collection(tmp_path: Path):
    data, _ = write_dump_directory(tmp_path, "rps", {"orders": [{"_id": 1}], "promos": []})[:2]
    reader = open_source(data)
    assert list(reader.collections()) == ["orders"]
    assert _ids(reader, "orders") == [1]
    info = reader.collections()["orders"]
    assert (info.database, info.files, info.size) == (tmp_path.name, (data,), data.stat().st_size)


def test_a_collection_that_lies_there_twice_is_refused(tmp_path: Path):
    for compressed in (True, False):
        write_dump_directory(tmp_path, "rps", {"orders": []}, compressed=compressed)
    with pytest.raises(SourceUnreadable, match="hold the same collection"):
        open_source(tmp_path)


def test_memory_stays_flat_however_large_the_file(tmp_path: Path):
    write_dump_directory(tmp_path, "rps", {"orders": ({"_id": n, "text": "x" * 1000} for n in range(60_000))})
    reader = open_source(tmp_path)
    tracemalloc.start()
    count = sum(1 for _ in reader.read("orders"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 60_000
    assert peak < 8 * 1024 * 1024
