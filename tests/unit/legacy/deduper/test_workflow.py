"""From a job to a command line, or to the reason why there is none."""

from pathlib import Path
from typing import Any

import pytest

from caravan.core.settings import Settings
from caravan.legacy.deduper.environment import DEDUPER, MISSING, PYTHON, Programs
from caravan.legacy.deduper.program import clearing
from caravan.legacy.deduper.workflow import ANALYSE, Analysis
from caravan.platform.jobs import LaunchRefusedError, Program, Surroundings
from tests.fixtures.scripted_deduper import ScriptedDeduper


@pytest.fixture
def program(tmp_path: Path, unset: None) -> ScriptedDeduper:
    return ScriptedDeduper.make(tmp_path / "legacy")


def planned(report: str | None, environment: dict[str, str], **settings: Any) -> Program:  # noqa: ANN401 - any setting
    assert ANALYSE.plan is not None
    return ANALYSE.plan(Analysis(report=report), Surroundings(Settings(**settings), environment))


def configured(program: ScriptedDeduper, **more: str) -> dict[str, str]:
    return {PYTHON: str(program.venv), DEDUPER: str(program.deduper), **more}


@pytest.mark.parametrize(
    ("report", "arguments"),
    [
        (None, []),
        ("5", ["--report-id", "5"]),
        ("12345678901234567890", ["--report-id", "12345678901234567890"]),
    ],
)
def test_a_job_runs_analyze_fast_for_its_report(
    program: ScriptedDeduper, report: str | None, arguments: list[str]
) -> None:
    found = planned(report, configured(program))
    start = [f"{program.venv}/bin/python", f"{program.deduper}/src/main.py", "analyze_fast"]
    assert list(found.command) == start + arguments


def test_clearing_never_asks_back(program: ScriptedDeduper) -> None:
    given = Programs(str(program.venv), str(program.deduper))
    assert list(clearing(given))[2:] == ["clear_table", "-y"]


def test_the_program_gets_the_environment_of_the_runner_without_ours(program: ScriptedDeduper) -> None:
    found = planned(None, configured(program, NAME_APP="worker", DATABASE_URL="postgresql://secret"))
    assert dict(found.env) == configured(program, NAME_APP="worker")


def test_there_is_no_time_out_unless_it_is_set(program: ScriptedDeduper) -> None:
    assert planned(None, configured(program)).timeout is None
    assert planned(None, configured(program), deduper_timeout=90).timeout == 90


@pytest.mark.parametrize("name", [PYTHON, DEDUPER])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_or_empty_variable_refuses_the_launch(
    program: ScriptedDeduper, name: str, value: str | None
) -> None:
    environment = configured(program)
    if value is None:
        del environment[name]
    else:
        environment[name] = value
    with pytest.raises(LaunchRefusedError) as refused:
        planned(None, environment)
    assert refused.value.message == MISSING


def test_a_wrong_path_refuses_the_launch_and_is_named(program: ScriptedDeduper) -> None:
    for name, path in ((PYTHON, "/no/bin/python"), (DEDUPER, "/no/src/main.py")):
        with pytest.raises(LaunchRefusedError, match=f"No such file or directory: '{path}'"):
            planned(None, configured(program) | {name: "/no"})


def test_jobs_run_one_at_a_time_and_nobody_else_may_order_them() -> None:
    assert (ANALYSE.queue, ANALYSE.concurrency, ANALYSE.offered) == ("deduper", 1, False)
