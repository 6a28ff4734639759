"""Every requirement of the four systems has one row, and what a row claims is true."""

from pathlib import Path

import pytest

from tests.unit.docs.markdown import ROOT, table
from tests.unit.docs.requirements_table import (
    Row,
    absent_tests,
    malformed_statuses,
    missing_ids,
    repeated_ids,
)

PAGE = (ROOT / "docs/requirements.md").read_text(encoding="utf-8")
ROWS = table(PAGE, "id", "requirement", "status")
PARTS = {row["part"] for row in table(PAGE, "part", "what it holds")}
ASKED = (ROOT / "tests/fixtures/requirements/ids.txt").read_text(encoding="utf-8").split()


def test_every_id_has_a_row_and_no_row_is_invented() -> None:
    assert missing_ids(ROWS, ASKED) == []


def test_no_id_occurs_twice() -> None:
    assert repeated_ids(ROWS) == []


def test_every_status_has_one_of_the_three_forms() -> None:
    assert malformed_statuses(ROWS, PARTS) == []


def test_every_named_test_exists() -> None:
    assert absent_tests(ROWS, ROOT) == []


def test_every_requirement_is_worded() -> None:
    assert [row["id"] for row in ROWS if not row["requirement"]] == []


def test_the_list_of_ids_is_whole() -> None:
    counts = {
        system: sum(name.startswith(system) for name in ASKED) for system in ("RPS", "DDP", "LIV", "PNB")
    }
    assert counts == {"RPS": 101, "DDP": 89, "LIV": 252, "PNB": 83}
    assert len(set(ASKED)) == sum(counts.values())


def row(status: str, name: str = "RPS-001") -> Row:
    return {"id": name, "requirement": "x", "status": status}


def test_a_missing_and_an_invented_id_are_found() -> None:
    assert missing_ids([row("", "RPS-001"), row("", "RPS-999")], ["RPS-001", "RPS-002"]) == [
        "RPS-002",
        "RPS-999",
    ]


def test_a_repeated_id_is_found() -> None:
    assert repeated_ids([row(""), row(""), row("", "RPS-002")]) == ["RPS-001"]


@pytest.mark.parametrize(
    "status",
    [
        "done: `tests/unit/a.py::test_a`",
        "done: `tests/unit/a.py::test_a`, `tests/unit/b.py`",
        "open: engine, HTTP half",
        "open: engine, HTTP half (the half of it is there)",
        "declined: it lives in another folder, `src/caravan/core`",
    ],
)
def test_a_well_formed_status_passes(status: str) -> None:
    assert malformed_statuses([row(status)], {"engine, HTTP half"}) == []


@pytest.mark.parametrize(
    "status",
    [
        "",
        "done",
        "done: ",
        "done: tests/unit/a.py",
        "done: `tests/unit/a.py` and more",
        "open",
        "open: somewhere else",
        "open: engine, HTTP half and more",
        "open: engine, HTTP half ()",
        "declined: `src`",
        "declined: we do not like this folder",
        "Done: `tests/unit/a.py`",
        "postponed: later",
    ],
)
def test_a_malformed_status_is_found(status: str) -> None:
    assert malformed_statuses([row(status)], {"engine, HTTP half"}) == [f"RPS-001: {status}"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    file = tmp_path / "tests/unit/test_a.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "def test_plain(): ...\n"
        "async def test_awaited(): ...\n"
        "def other():\n    def test_nested(): ...\n"
        "class TestGroup:\n    def test_inside(self): ...\n"
        "TestMachine = object\n# def test_in_a_comment(): ...\n",
        encoding="utf-8",
    )
    (tmp_path / "tests/unit/empty.py").write_text("VALUE = 1\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "test",
    [
        "",
        "::test_plain",
        "::test_awaited",
        "::test_plain[case]",
        "::TestGroup",
        "::TestGroup::test_inside",
        "::TestMachine",
    ],
)
def test_an_existing_test_is_believed(tree: Path, test: str) -> None:
    assert absent_tests([row(f"done: `tests/unit/test_a.py{test}`")], tree) == []


@pytest.mark.parametrize(
    "test",
    [
        "tests/unit/test_b.py",
        "tests/unit/empty.py",
        "tests/unit",
        "src/test_a.py",
        "tests/unit/test_a.py::test_gone",
        "tests/unit/test_a.py::test_nested",
        "tests/unit/test_a.py::test_inside",
        "tests/unit/test_a.py::test_in_a_comment",
        "tests/unit/test_a.py::other",
    ],
)
def test_an_absent_test_is_found(tree: Path, test: str) -> None:
    assert absent_tests([row(f"done: `{test}`")], tree) == [f"RPS-001: {test}"]
