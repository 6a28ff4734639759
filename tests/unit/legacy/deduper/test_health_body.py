"""Health's bytes: what is kept between calls never makes them old."""

import json
from datetime import UTC, datetime
from pathlib import Path

from caravan.legacy.deduper.answers import DeduperHealth
from caravan.legacy.deduper.environment import Programs
from caravan.legacy.deduper.health import health_body
from caravan.platform.jobs import Counts
from tests.fixtures.scripted_deduper import ScriptedDeduper

NOON = datetime(2026, 2, 23, 12, tzinfo=UTC)


def test_the_whole_answer_word_for_word(tmp_path: Path) -> None:
    program = ScriptedDeduper.make(tmp_path / "legacy")
    programs = Programs(str(program.venv), str(program.deduper))
    body = health_body(programs, Counts(1, 2, 3, 4, 5), lambda: NOON)
    DeduperHealth.model_validate_json(body)
    assert body == (
        b'{"checks":{"program":"ok","python":"ok"},'
        b'"environment":{"deduper_path_configured":true,"deduper_path_exists":true,"python_venv_configured":true},'
        b'"jobs":{"active":3,"cancelled":5,"completed":3,"failed":4,"pending":1,"running":2,"total":15},'
        b'"status":"healthy","timestamp":"2026-02-23T12:00:00+00:00"}\n'
    )


def test_every_call_has_its_own_stamp_counts_and_findings() -> None:
    first = json.loads(health_body(Programs("", ""), Counts(), lambda: NOON))
    second = json.loads(
        health_body(Programs("", "/nowhere"), Counts(pending=1), lambda: NOON.replace(hour=13))
    )
    assert first["timestamp"] != second["timestamp"]
    assert (first["jobs"]["pending"], second["jobs"]["pending"]) == (0, 1)
    assert "deduper_path_exists" not in first["environment"]
    assert second["environment"]["deduper_path_exists"] is False
