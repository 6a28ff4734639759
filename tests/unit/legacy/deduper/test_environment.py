"""What is configured, where it comes from, and what is wrong with it before anything is launched."""

from pathlib import Path

import pytest

from caravan.legacy.deduper.environment import DEDUPER, MISSING, PYTHON, Programs, legacy_environment
from tests.fixtures.scripted_deduper import ScriptedDeduper


@pytest.fixture
def program(tmp_path: Path, unset: None) -> ScriptedDeduper:
    return ScriptedDeduper.make(tmp_path / "legacy")


def programs(program: ScriptedDeduper, **changes: str) -> Programs:
    return Programs(**({"venv": str(program.venv), "deduper": str(program.deduper)} | changes))


def test_nothing_is_wrong_when_both_files_are_there(program: ScriptedDeduper) -> None:
    assert programs(program).problem() is None


@pytest.mark.parametrize("missing", ["venv", "deduper"])
def test_a_missing_variable_is_told_in_the_legacys_words(program: ScriptedDeduper, missing: str) -> None:
    assert programs(program, **{missing: ""}).problem() == MISSING


def test_a_missing_interpreter_reads_as_the_failed_launch_did(program: ScriptedDeduper) -> None:
    found = programs(program, venv="/no/venv").problem()
    assert found == "[Errno 2] No such file or directory: '/no/venv/bin/python'"


def test_an_interpreter_that_may_not_be_executed_is_told(program: ScriptedDeduper) -> None:
    python = program.venv / "bin" / "python"
    python.chmod(0o644)
    assert programs(program).problem() == f"[Errno 13] Permission denied: '{python}'"
    python.unlink()
    python.mkdir()
    assert programs(program).problem() == f"[Errno 13] Permission denied: '{python}'"


def test_a_missing_program_names_its_file(program: ScriptedDeduper) -> None:
    main = program.deduper / "src" / "main.py"
    found = programs(program, deduper=f"{program.deduper}/src").problem()
    assert found == f"[Errno 2] No such file or directory: '{program.deduper}/src/src/main.py'"
    main.unlink()
    assert programs(program).problem() == f"[Errno 2] No such file or directory: '{main}'"
    main.mkdir()
    assert programs(program).problem() == f"[Errno 21] Is a directory: '{main}'"


def test_a_trailing_slash_does_no_harm(program: ScriptedDeduper) -> None:
    given = programs(program, venv=f"{program.venv}/", deduper=f"{program.deduper}/")
    assert given.problem() is None
    assert given.python == f"{program.venv}//bin/python"


def test_the_dotenv_fills_in_what_the_environment_lacks(monkeypatch: pytest.MonkeyPatch, unset: None) -> None:
    Path(".env").write_text(f"{PYTHON}=/of/file\n{DEDUPER}=/of/file\nNAME_DB=news.db\n")
    monkeypatch.setenv(DEDUPER, "/of/environment")
    assert Programs.now() == Programs("/of/file", "/of/environment")
    assert Programs.of(legacy_environment()) == Programs.now()
    assert legacy_environment()["NAME_DB"] == "news.db"


def test_a_variable_that_is_set_empty_stays_empty(monkeypatch: pytest.MonkeyPatch, unset: None) -> None:
    Path(".env").write_text(f"{PYTHON}=/of/file\n")
    monkeypatch.setenv(PYTHON, "")
    assert Programs.now().venv == ""


def test_a_changed_dotenv_is_read_again(unset: None) -> None:
    file = Path(".env")
    file.write_text(f"{PYTHON}=/one\n")
    assert Programs.now().venv == "/one"
    file.write_text(f"{PYTHON}=/another\n")
    assert Programs.now().venv == "/another"
    file.unlink()
    assert Programs.now().venv == ""


def test_what_is_ours_never_reaches_the_program(monkeypatch: pytest.MonkeyPatch, unset: None) -> None:
    Path(".env").write_text("CARAVAN_PORTAL_TOKEN_SECRET=s\nREDIS_URL=redis://u:p@h\nPATH_DATABASE=/data\n")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@h/d")
    monkeypatch.setenv("CARAVAN_HOME", "/h")
    found = legacy_environment()
    assert not {"CARAVAN_PORTAL_TOKEN_SECRET", "REDIS_URL", "DATABASE_URL", "CARAVAN_HOME"} & set(found)
    assert found["PATH_DATABASE"] == "/data"
    given = {"PATH": "/bin", "BROKER_URL": "amqp://u:p@h"}
    assert legacy_environment(given) == {"PATH": "/bin", "PATH_DATABASE": "/data"}
