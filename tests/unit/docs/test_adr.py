"""Each decision record is complete, listed, and answers what the requirements say it answers."""

import re
from pathlib import Path

import pytest

from tests.unit.docs.markdown import ROOT, links, section, table
from tests.unit.docs.requirements_table import cited_records

FOLDER = ROOT / "docs/adr"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
ADR_001 = ROOT / "docs/migrations/ADR-001-RPS-to-FastAPI.md"
PARTS = ("Context", "Decision", "Consequences", "Alternatives")
ONE_PAGE = 70


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_each_record_has_its_four_parts_on_one_page(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    assert [part for part in PARTS if len(section(text, part).split()) < 10] == []
    assert len(text.splitlines()) <= ONE_PAGE
    assert re.match(rf"# {record.name[:4]} \S", text)


def test_records_are_numbered_without_a_gap() -> None:
    assert [int(record.name[:4]) for record in RECORDS] == list(range(1, len(RECORDS) + 1))


@pytest.mark.parametrize("page", [FOLDER / "README.md", ADR_001], ids=lambda page: page.name)
def test_every_record_is_in_the_index_and_in_adr_001(page: Path) -> None:
    linked = {(page.parent / link).resolve() for link in links(page.read_text(encoding="utf-8"))}
    assert [record.name for record in RECORDS if record not in linked] == []


@pytest.mark.parametrize("page", [FOLDER / "README.md", ADR_001], ids=lambda page: page.name)
def test_a_list_calls_each_record_by_its_own_title(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    titles = [record.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ") for record in RECORDS]
    assert [title for title in titles if f"[{title}](" not in text] == []


@pytest.mark.parametrize(
    "part",
    [
        "Context", "Decision", "Architecture", "Data model", "Service boundaries", "Authorization",
        "Review of FastAPI", "Rationale", "For and against", "Consequences", "Alternatives", "Decision records",
    ],
)  # fmt: skip
def test_adr_001_has_every_part_asked_of_it(part: str) -> None:
    assert len(section(ADR_001.read_text(encoding="utf-8"), part).split()) >= 20


@pytest.mark.parametrize("aspect", ["Dependency injection", "Async", "OpenAPI", "Community patterns"])
def test_adr_001_reviews_fastapi_on_every_named_aspect(aspect: str) -> None:
    review = table(ADR_001.read_text(encoding="utf-8"), "aspect", "what it gives", "trap", "what we do")
    assert [row for row in review if row["aspect"] == aspect and all(row.values())]


def test_a_requirement_that_cites_a_record_is_answered_there() -> None:
    rows = table((ROOT / "docs/requirements.md").read_text(encoding="utf-8"), "id", "requirement", "status")
    cited = [(row["id"], record) for row in rows for record in cited_records(row)]
    silent = [pair for pair in cited if pair[0] not in (ROOT / pair[1]).read_text(encoding="utf-8")]
    assert cited
    assert silent == []


@pytest.mark.parametrize("name", ["RPS-028", "RPS-031", "RPS-075", "RPS-076"])
def test_dual_read_and_dual_write_are_decided(name: str) -> None:
    record = (FOLDER / "0014-postgresql-and-one-backfill.md").read_text(encoding="utf-8")
    assert name in record
