"""The deployment files and runbooks of the deduper queue speak of what exists."""

import configparser
import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # has no types of its own
from prometheus_client import REGISTRY

from caravan.core.settings import Settings
from caravan.core.telemetry import metrics as _http_metrics  # noqa: F401 - registers its metrics
from caravan.entry import children
from caravan.legacy.deduper import environment
from caravan.legacy.deduper.workflow import QUEUE
from caravan.platform.jobs import JobState, Reason
from caravan.platform.jobs import metrics as _job_metrics  # noqa: F401 - as above
from tests.unit.docs.markdown import ROOT, anchors

DEPLOY = ROOT / "deploy/deduper"
RUNBOOKS = ROOT / "docs/runbooks"
PAPERS = [*sorted(RUNBOOKS.glob("deduper-*.md")), DEPLOY / "alerts.yaml"]
LABELS = {"queue": {QUEUE}, "state": {*JobState}, "reason": {*Reason}}


def rules() -> list[dict[str, Any]]:
    content = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())
    return [rule for group in content["groups"] for rule in group["rules"]]


def variables(text: str) -> dict[str, str]:
    """Return what a file of KEY=VALUE lines sets, and what it shows commented out."""
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", text, re.MULTILINE))


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_every_metric_in_a_paper_is_one_of_ours(paper: Path) -> None:
    ours = {name for family in REGISTRY.collect() for name in (family.name, f"{family.name}_total")}
    told = re.findall(r"\bcaravan_(?:jobs|http)_\w+", paper.read_text())
    assert {re.sub(r"_(count|sum|bucket)$", "", name) for name in told} <= ours


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_every_label_in_a_query_has_a_value_that_occurs(paper: Path) -> None:
    for query in re.findall(r"caravan_jobs_\w+\{(.*?)\}", paper.read_text()):
        for label, values in re.findall(r'(\w+)=~?"([^"]*)"', query):
            assert set(values.split("|")) <= LABELS[label], query


def test_the_papers_that_name_reasons_name_all_of_them() -> None:
    text = (RUNBOOKS / "deduper-monitor.md").read_text()
    assert {*re.findall(r"^\| `(\w+)` \| (?:by|before|with) ", text, re.MULTILINE)} == {*Reason}


def test_every_alert_has_its_section_and_every_section_its_alert() -> None:
    text = (RUNBOOKS / "deduper-monitor.md").read_text()
    assert {rule["alert"] for rule in rules()} == {*re.findall(r"^### (\w+)$", text, re.MULTILINE)}
    for rule in rules():
        page, _, fragment = rule["annotations"]["runbook"].partition("#")
        assert fragment in anchors((RUNBOOKS / page).read_text())
        assert rule["labels"]["severity"] in {"page", "ticket"}
    assert f"SUCCESS: {len(rules())} rules found" in text


def test_the_settings_file_names_settings_that_exist() -> None:
    given = variables((DEPLOY / "deduper.env").read_text())
    for name in given:
        if name.startswith("CARAVAN_"):
            assert name.removeprefix("CARAVAN_").lower() in Settings.model_fields
    assert {environment.PYTHON, environment.DEDUPER, "PATH_TO_DATABASE", "NAME_DB"} <= given.keys()
    assert given["PATH_TO_DATABASE"] == given["PATH_DATABASE"]


def test_the_process_managers_give_jobs_time_to_end() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    unit.read(DEPLOY / "caravan-deduper.service")
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["deduper"]
    pm2 = (DEPLOY / "ecosystem.config.cjs").read_text()
    patience = [
        int(unit["Service"]["TimeoutStopSec"]),
        int(compose["stop_grace_period"].removesuffix("s")),
        int(re.findall(r"kill_timeout: (\d+)", pm2)[0]) // 1000,
    ]
    assert min(patience) >= 2 * children.JOBS_GRACE
    assert unit["Service"]["KillMode"] == "mixed"
    assert "treekill: false" in pm2


def test_they_start_the_same_command() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["deduper"]
    assert compose["command"] == ["caravan", "api", "--only", "deduper"]
    assert (
        "ExecStart=/opt/caravan/venv/bin/caravan api --only deduper\n"
        in (DEPLOY / "caravan-deduper.service").read_text()
    )
    assert 'args: "api --only deduper"' in (DEPLOY / "ecosystem.config.cjs").read_text()


def test_the_runbook_speaks_of_the_port_that_the_settings_set() -> None:
    port = variables((DEPLOY / "deduper.env").read_text())["CARAVAN_PORT"]
    for paper in ("deduper-deploy.md", "deduper-rollback.md", "deduper-monitor.md"):
        text = (RUNBOOKS / paper).read_text()
        assert {*re.findall(r"127\.0\.0\.1:(\d+)", text)} <= {port, "5000"}
        assert f"127.0.0.1:{port}/" in text
