"""The way back was drilled, and the record says what happened."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.docs.markdown import ROOT

FOLDER = ROOT / "docs/runbooks/drills"
RECORDS = sorted(FOLDER.glob("*-deduper-drill.json"))


def record(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_the_last_drill_of_the_deduper_passed_there_and_back() -> None:
    last = record(RECORDS[-1])
    assert last["passed"] is True
    phases = {step["name"].partition(":")[0] for step in last["steps"]}
    assert {"before", "cutover", "rollback"} <= phases


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_record_tells_each_step_and_has_a_page_for_people(path: Path) -> None:
    told = record(path)
    assert told["passed"] is all(step["passed"] for step in told["steps"])
    page = path.with_suffix(".md").read_text(encoding="utf-8")
    assert [step["name"] for step in told["steps"] if f"| {step['name']} |" not in page] == []


def test_the_runbook_of_the_way_back_shows_a_record() -> None:
    text = (ROOT / "docs/runbooks/deduper-rollback.md").read_text(encoding="utf-8")
    assert any(f"drills/{path.stem}" in text for path in RECORDS)
