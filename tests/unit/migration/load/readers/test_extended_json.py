import gzip
import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from caravan.migration.load.readers import (
    BrokenRecord,
    SourceDamaged,
    SourceUnreadable,
    decode,
    json_structure,
    json_text,
    open_source,
)
from caravan.migration.load.readers.bytestream import StreamDamagedError
from caravan.migration.load.readers.dump_directory import data_files
from caravan.migration.load.readers.extended_json import json_files

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def _open(folder: Path, content: bytes):
    (folder / "orders.json").write_bytes(content)
    return open_source(folder)


def _decoded(reader) -> list[object]:
    return [decode(reader.format, record.raw) for record in reader.read("orders")]


@given(
    st.lists(st.dictionaries(st.text(max_size=4), _VALUES, max_size=3), max_size=5),
    st.sampled_from(["lines", "array", "spread", "spread array"]),
    st.integers(1, 40),
)
def test_documents_are_found_in_every_layout_however_the_stream_is_cut(documents, layout, size):
    assume(layout != "spread" or documents[:1] != [{}])  # {} on its first line reads as one document per line
    spread = layout.startswith("spread")
    parts = [json.dumps(each, indent=1 if spread else None) for each in documents]
    text = "\n".join(parts) if layout in ("lines", "spread") else "[" + ",\n".join(parts) + "]"
    data = text.encode()
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    found = list(json_text.texts(pieces))
    assert [json.loads(raw) for _, _, raw in found] == documents
    assert all(data[offset : offset + length] == raw for offset, length, raw in found)


@pytest.mark.parametrize(
    "content",
    [
        b'{"_id":1}\n{"_id":2}',
        b'\n\r\n{"_id":1}\r\n\n{"_id":2}\r\n',
        b'\xef\xbb\xbf{"_id":1}\n{"_id":2}\n',
        b'\xef\xbb\xbf [ {"_id":1} , {"_id":2} ] \n',
        b'{\n  "_id": 1\n}\n{\n  "_id": 2\n}\n',
    ],
)
def test_layouts_people_have(tmp_path: Path, content):
    assert _decoded(_open(tmp_path, content)) == [{"_id": 1}, {"_id": 2}]


@pytest.mark.parametrize("content", [b"", b"[]", b"\n\n", b"[ ]\n"])
def test_a_file_without_documents_is_an_empty_collection(tmp_path: Path, content):
    assert _decoded(_open(tmp_path, content)) == []


@pytest.mark.parametrize(
    "content",
    [
        b'{"_id":1}\nnonsense\n{"_id":2}\n',
        b'[{"_id":1}, nonsense, {"_id":2}]',
        b'[{"_id":1}, "text", {"_id":2}]',
        b'[{"_id":1}, [3], {"_id":2}]',
    ],
)
def test_what_is_no_document_is_broken_and_the_next_is_read(tmp_path: Path, content):
    first, broken, last = _open(tmp_path, content).read("orders")
    assert type(broken) is BrokenRecord
    assert broken.reason == "record.not_json"
    assert content[broken.offset :].lstrip(b", ").startswith(broken.raw)
    assert (first.ordinal, broken.ordinal, last.ordinal) == (0, 1, 2)
    assert last.raw == b'{"_id":2}'


def test_a_document_behind_the_array_or_a_second_array_is_still_read(tmp_path: Path):
    assert _decoded(_open(tmp_path, b'[{"_id":1}]\n[{"_id":2}]\n{"_id":3}')) == [
        {"_id": 1},
        {"_id": 2},
        {"_id": 3},
    ]


@pytest.mark.parametrize(
    ("content", "good", "message"),
    [
        (b'[{"_id":1},', 1, "ends inside the array"),
        (b'[{"_id":1},{"a":"', 1, "ends inside a document"),
        (b'[{"_id":1}, nons', 1, "ends inside a document"),
        (b'{"_id":1}\n{"a":{"b":1}', 1, "ends inside a document"),
        (b'{"_id":1}\ngarbage', 1, "ends inside a document"),
    ],
)
def test_a_text_that_ends_too_early_is_damaged(tmp_path: Path, content, good, message):
    found = []
    with pytest.raises(SourceDamaged, match=message) as caught:
        found.extend(record.raw for record in _open(tmp_path, content).read("orders"))
    assert caught.value.details["last_ordinal"] == good - 1


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (json_structure, json_text):
        monkeypatch.setattr(module, "MAX_TEXT", 100)
        monkeypatch.setattr(module, "KEPT_OF_BROKEN", 10)


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
@pytest.mark.parametrize("array", [False, True])
def test_a_document_too_large_is_passed_over(little_room, size, array):
    large = b'{"_id":2,"x":[' + b'"yyyy",' * 30 + b"0]}"
    data = (
        b",\n".join([b'{"_id":1}', large, b'{"_id":3}'])
        if array
        else b"\n".join([b'{"_id":1}', large, b'{"_id":3}'])
    )
    data = b"[" + data + b"]" if array else data + b"\n"
    found = list(json_text.texts(data[at : at + size] for at in range(0, len(data), size)))
    (_, _, first), (offset, length, _), (_, _, last) = found
    assert (first, last) == (b'{"_id":1}', b'{"_id":3}')
    assert data[offset : offset + length] == large
    if size < 100:
        assert len(found[1][2]) <= 101


def test_a_string_without_an_end_takes_no_more_than_its_room(little_room):
    with pytest.raises(StreamDamagedError, match="does not end"):
        list(json_text.texts(iter([b'[{"a":"', b"x" * 90, b"y" * 90, b"z" * 90])))


def test_a_line_too_large_and_without_an_end_is_a_damage(little_room):
    with pytest.raises(StreamDamagedError, match="too large"):
        list(json_text.texts(iter([b'{"a":1}\n', b"x" * 2000, b"y" * 90])))


def test_a_document_too_large_and_cut_is_a_damage_at_its_beginning(little_room):
    with pytest.raises(StreamDamagedError, match="ends inside a document") as caught:
        list(json_text.texts(iter([b'[{"a":1},', b"{" * 80, b"{" * 80])))
    assert caught.value.offset == 9


def test_files_of_all_endings_are_collections_and_metadata_is_not(tmp_path: Path):
    for name in ("a.json", "b.jsonl", "c.ndjson"):
        (tmp_path / name).write_text("{}\n")
    (tmp_path / "d.json.gz").write_bytes(gzip.compress(b"{}\n"))
    (tmp_path / "a.metadata.json").write_text("{}")
    reader = open_source(tmp_path)
    assert list(reader.collections()) == ["a", "b", "c", "d"]


def test_one_file_of_any_name_is_a_source(tmp_path: Path):
    (tmp_path / "export.txt").write_text('{"_id":1}\n')
    reader = open_source(tmp_path / "export.txt")
    assert [record.raw for record in reader.read("export.txt")] == [b'{"_id":1}']


def test_a_collection_that_lies_there_twice_is_refused(tmp_path: Path):
    for name in ("a.json", "a.jsonl"):
        (tmp_path / name).write_text("{}\n")
    with pytest.raises(SourceUnreadable, match="hold the same collection"):
        open_source(tmp_path)


def test_a_folder_that_may_not_be_read_is_said_plainly(tmp_path: Path):
    (tmp_path / "file").write_text("")
    for finder in (data_files, json_files):
        with pytest.raises(SourceUnreadable, match="cannot be read"):
            finder(tmp_path / "gone")


def test_a_file_that_goes_away_is_an_error_with_its_name(tmp_path: Path):
    reader = _open(tmp_path, b'{"_id":1}\n')
    (tmp_path / "orders.json").unlink()
    with pytest.raises(SourceDamaged, match=r"orders\.json: reading failed \(No such file"):
        list(reader.read("orders"))
