"""A cut or corrupt source gives every good record before the place, then one error that names it."""

from pathlib import Path

import bson
import pytest

from caravan.core.errors import CaravanError
from caravan.migration.load.readers import Record, RecordUndecodable, SourceDamaged, decode, open_source
from caravan.migration.load.writers import write_archive, write_dump_directory, write_extended_json

_COLLECTIONS = {
    "orders": [{"_id": index, "n": f"number {index}", "list": [index, {"a": "}"}]} for index in range(4)],
    "promos": [{"_id": index} for index in range(3)],
}


def _read(path: Path, collection: str) -> tuple[list[dict], CaravanError | None]:
    documents: list[dict] = []
    try:
        reader = open_source(path)
        records = (record for record in reader.read(collection) if type(record) is Record)
        documents.extend(decode(reader.format, record.raw) for record in records)
    except CaravanError as error:
        return documents, error
    return documents, None


@pytest.fixture(params=["plain", "gzip"])
def archive(request, tmp_path: Path) -> Path:
    path = tmp_path / "rps.archive"
    write_archive(path, "rps", _COLLECTIONS, compressed=request.param == "gzip", documents_per_block=1)
    return path


@pytest.mark.parametrize("collection", list(_COLLECTIONS))
def test_an_archive_cut_at_any_byte_gives_a_beginning_and_an_error(archive: Path, tmp_path: Path, collection):
    content = archive.read_bytes()
    cut = tmp_path / "cut.archive"
    lengths = set()
    for length in range(3, len(content)):
        cut.write_bytes(content[:length])
        documents, error = _read(cut, collection)
        assert documents == _COLLECTIONS[collection][: len(documents)]
        assert error is None or error.code in ("source_damaged", "source_unreadable")
        if error is None:  # the end of this collection is proved by its CRC, what is lost belongs to another
            assert documents == _COLLECTIONS[collection]
        lengths.add(len(documents))
    assert lengths == set(range(len(_COLLECTIONS[collection]) + 1)) or content.startswith(b"\x1f\x8b")


def test_an_archive_with_any_byte_changed_is_the_same_or_an_error(archive: Path, tmp_path: Path):
    content = archive.read_bytes()
    changed = tmp_path / "changed.archive"
    for place in range(len(content)):
        changed.write_bytes(content[:place] + bytes([content[place] ^ 0x5A]) + content[place + 1 :])
        try:
            documents, error = _read(changed, "orders")
        except RecordUndecodable:
            continue
        assert error is not None or documents == _COLLECTIONS["orders"], place


def test_a_document_changed_in_an_archive_is_told_by_the_crc_after_the_documents(tmp_path: Path):
    path = tmp_path / "rps.archive"
    write_archive(path, "rps", _COLLECTIONS, compressed=False)
    path.write_bytes(path.read_bytes().replace(b"number 2", b"number 8"))
    documents, error = _read(path, "orders")
    assert len(documents) == 4
    assert isinstance(error, SourceDamaged)
    assert "CRC of orders is wrong" in error.message
    assert error.details["last_ordinal"] == 3
    assert _read(path, "promos") == (_COLLECTIONS["promos"], None)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_dump_cut_at_any_byte_gives_whole_documents_only(tmp_path: Path, compressed):
    write_dump_directory(tmp_path, "rps", {"orders": _COLLECTIONS["orders"]}, compressed=compressed)
    file = tmp_path / f"orders.bson{'.gz' if compressed else ''}"
    content = file.read_bytes()
    ends = {sum(len(bson.encode(d)) for d in _COLLECTIONS["orders"][:n]) for n in range(5)}
    for length in range(len(content)):
        file.write_bytes(content[:length])
        documents, error = _read(tmp_path, "orders")
        assert documents == _COLLECTIONS["orders"][: len(documents)]
        if compressed or length not in ends:  # a plain file that ends between documents looks whole
            assert isinstance(error, SourceDamaged)
            assert error.details["file"] == str(file)
            assert error.details["last_ordinal"] == len(documents) - 1


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize("compressed", [False, True])
def test_extended_json_cut_at_any_byte_gives_whole_documents_only(tmp_path: Path, array, compressed):
    file = tmp_path / f"orders.json{'.gz' if compressed else ''}"
    write_extended_json(file, _COLLECTIONS["orders"], array=array, compressed=compressed)
    content = file.read_bytes()
    for length in range(1, len(content)):
        file.write_bytes(content[:length])
        documents, error = _read(tmp_path, "orders")
        assert documents == _COLLECTIONS["orders"][: len(documents)]
        if array and length < len(content) - 1:
            assert isinstance(error, SourceDamaged)
    assert documents == _COLLECTIONS["orders"]


def test_the_good_records_before_a_corrupt_place_of_a_gzip_file_are_all_given(tmp_path: Path):
    documents = [{"_id": index, "text": bson.ObjectId().binary.hex() * 3} for index in range(5000)]
    write_dump_directory(tmp_path, "rps", {"orders": documents})
    file = tmp_path / "orders.bson.gz"
    content = bytearray(file.read_bytes())
    content[-6] ^= 1  # in the checksum: every document is good
    file.write_bytes(content)
    found, error = _read(tmp_path, "orders")
    assert found == documents
    assert isinstance(error, SourceDamaged)
    assert "the gzip stream is corrupt" in error.message
    assert error.details["last_ordinal"] == 4999


def test_a_length_word_that_cannot_be_one_ends_the_file_with_its_place(tmp_path: Path):
    good = bson.encode({"_id": 1})
    (tmp_path / "orders.bson").write_bytes(good * 3 + b"\x02\0\0\0" + good)
    documents, error = _read(tmp_path, "orders")
    assert documents == [{"_id": 1}] * 3
    assert isinstance(error, SourceDamaged)
    assert error.details["offset"] == 3 * len(good)
    assert "2 is not the length of a document" in error.message


def test_the_end_of_a_block_has_no_place_in_a_dump_file(tmp_path: Path):
    (tmp_path / "orders.bson").write_bytes(bson.encode({"_id": 1}) + b"\xff\xff\xff\xff")
    documents, error = _read(tmp_path, "orders")
    assert documents == [{"_id": 1}]
    assert "-1 is not the length of a document" in str(error)


def test_a_document_without_its_last_byte_is_broken_and_the_next_is_read(tmp_path: Path):
    good = bson.encode({"_id": 1})
    (tmp_path / "orders.bson").write_bytes(good[:-1] + b"\x01" + good)
    broken, record = open_source(tmp_path).read("orders")
    assert (broken.reason, broken.offset, broken.ordinal) == ("record.not_bson", 0, 0)
    assert (record.offset, record.ordinal) == (len(good), 1)


def test_a_file_that_goes_away_is_an_error_with_its_name(tmp_path: Path):
    write_dump_directory(tmp_path, "rps", {"orders": []})
    reader = open_source(tmp_path)
    (tmp_path / "orders.bson.gz").unlink()
    with pytest.raises(CaravanError, match=r"orders\.bson\.gz: reading failed"):
        list(reader.read("orders"))
