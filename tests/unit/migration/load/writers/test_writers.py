import gzip
import json
from pathlib import Path

import bson
import pytest

from caravan.migration.load.writers import write_archive, write_dump_directory, write_extended_json

DOCUMENTS = [{"_id": 1, "text": "كتاب"}, {"_id": 2, "n": 1.5}]


@pytest.mark.parametrize("times", [1, 2])
def test_the_same_documents_give_the_same_bytes(tmp_path: Path, times):
    contents = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        write_dump_directory(folder, "rps", {"orders": DOCUMENTS * times})
        write_archive(folder / "x.archive", "rps", {"orders": DOCUMENTS * times})
        write_extended_json(folder / "orders.json.gz", DOCUMENTS * times, compressed=True)
        contents.append([file.read_bytes() for file in sorted(folder.iterdir())])
    assert contents[0] == contents[1]


def test_gzip_headers_hold_no_time_and_no_name(tmp_path: Path):
    write_extended_json(tmp_path / "orders.json.gz", DOCUMENTS, compressed=True)
    assert (tmp_path / "orders.json.gz").read_bytes()[3:8] == bytes(5)


def test_a_dump_takes_documents_and_bson_bytes_alike(tmp_path: Path):
    raw = [bson.encode(document) for document in DOCUMENTS]
    first = write_dump_directory(tmp_path / "a", "rps", {"orders": DOCUMENTS})
    second = write_dump_directory(tmp_path / "b", "rps", {"orders": raw})
    assert first[0].read_bytes() == second[0].read_bytes()
    assert gzip.decompress(first[0].read_bytes()) == b"".join(raw)


def test_metadata_tells_name_type_and_indexes(tmp_path: Path):
    _, metadata = write_dump_directory(tmp_path, "rps", {"orders": []})
    described = json.loads(metadata.read_text())
    assert described["collectionName"] == "orders"
    assert described["type"] == "collection"
    assert described["indexes"][0]["name"] == "_id_"


def test_lines_and_arrays_are_plain_json(tmp_path: Path):
    write_extended_json(tmp_path / "lines.json", DOCUMENTS)
    write_extended_json(tmp_path / "array.json", DOCUMENTS, "canonical", array=True)
    assert [json.loads(line) for line in (tmp_path / "lines.json").read_text().splitlines()] == DOCUMENTS
    assert json.loads((tmp_path / "array.json").read_text())[1]["n"] == {"$numberDouble": "1.5"}
