"""Recordings and contracts from the command line, as a user goes: import, learn, review, freeze, check."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from typer.testing import CliRunner, Result

from caravan.core.errors import CaravanError
from caravan.entry.commands import contract as contract_command
from caravan.entry.commands import record as record_command
from tools.free_ports import free_port

Answers = Callable[[str, str, bytes], tuple[int, Any]]
Serving = Callable[[Answers], Any]


class Run(Protocol):
    def __call__(self, *arguments: object) -> Result: ...


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CARAVAN_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> Result:
        name, *rest = map(str, arguments)
        app = contract_command.app if name == "contract" else record_command.app
        return CliRunner().invoke(app, rest)

    return command


@pytest.fixture
def har(tmp_path: Path, answers: Answers) -> Path:
    """What a browser recorded of the shop."""
    targets = [*(f"/items/{n}" for n in range(1, 12)), "/items/77", *(f"/items?limit={n}" for n in range(20))]
    entries = []
    for target in targets:
        status, value = answers("GET", target, b"")
        headers = [{"name": "Content-Type", "value": "application/json"}]
        entries.append(
            {
                "startedDateTime": "2026-01-02T03:04:05Z",
                "time": 5,
                "request": {
                    "method": "GET", "url": f"http://shop.test{target}",
                    "headers": [{"name": "Authorization", "value": "Bearer planted-token-1"}],
                },
                "response": {"status": status, "headers": headers, "content": {"text": json.dumps(value), "size": 1}},
            }
        )  # fmt: skip
    path = tmp_path / "traffic.har"
    path.write_text(json.dumps({"log": {"entries": [*entries, {"broken": True}]}}))
    return path


@pytest.fixture
def learnt(run: Run, har: Path) -> Run:
    assert run("record", "import", har, "--into", "shop").exit_code == 3  # one entry is refused
    assert run("contract", "learn", "shop").exit_code == 0
    return run


def test_an_import_tells_what_was_refused(run: Run, har: Path) -> None:
    told = run("record", "import", har, "--into", "shop")
    assert told.exit_code == 3
    assert "har, 32 exchanges recorded, 1 refused" in told.stdout
    assert "entry 33: request is missing" in told.stdout
    assert "shop" in run("record", "list").stdout
    assert "32 exchanges in 1 segments" in run("record", "show", "shop").stdout
    assert "planted" not in run("record", "show", "shop", "--limit", "99").stdout
    assert "1 segments deleted" in run("record", "prune", "shop", "--mib", "0").stdout


def test_from_a_recording_to_a_kept_contract(learnt: Run, serving: Serving, answers: Answers) -> None:
    assert "read" in learnt("contract", "show").stdout
    frozen = learnt("contract", "freeze")
    assert "2 routes are not reviewed" in frozen.output
    with serving(answers) as url:
        told = learnt("contract", "check", url, "--junit", "junit.xml")
        assert told.exit_code == 0, told.output
        assert "7 passed, 0 failed, 0 skipped" in told.stdout
        assert Path("junit.xml").read_text().count("<testcase") == 7
        page = learnt("contract", "matrix", "--old", url, "--new", url, "--out", "parity.md", "--probes", "3")
        assert page.exit_code == 0, page.output
        assert "## Probes" in Path("parity.md").read_text()
        probed = learnt(
            "contract", "probe", "--old", url, "--new", url, "--examples", "4", "--per-second", "1000"
        )
        assert probed.exit_code == 0, probed.output
    document = json.loads(learnt("contract", "openapi").stdout)
    assert document["paths"].keys() == {"/items", "/items/{item_id}"}


def test_a_broken_contract_is_exit_code_one(learnt: Run, serving: Serving, answers: Answers) -> None:
    def broken(method: str, target: str, body: bytes) -> tuple[int, Any]:
        status, value = answers(method, target, body)
        return (404, value) if status == 200 else (status, value)

    with serving(broken) as url:
        told = learnt("contract", "check", url, "--json")
        assert told.exit_code == 1
        assert json.loads(told.stdout)["counts"]["failed"] == 6
        assert (
            "FAILED   GET /items 200: status: expected 200, seen 404"
            in learnt("contract", "check", url).stdout
        )


def test_learning_again_keeps_what_was_reviewed_and_tells_changes(learnt: Run) -> None:
    file = Path("contract.toml")
    text = file.read_text().replace("reviewed = false", "reviewed = true  # agreed", 1)
    file.write_text(text)
    again = learnt("contract", "learn", "shop")
    assert "0 changes" in again.stdout
    assert file.read_text() == text


def test_several_recordings_are_learnt_together(learnt: Run, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text('203.0.113.9 - - [10/Oct/2025:13:55:36 -0700] "GET /other/17 HTTP/1.1" 200 2326\n')
    assert learnt("record", "import", log, "--into", "log").exit_code == 0
    told = learnt("contract", "learn", "shop", "log")
    assert "GET /other/{other_id}: a new route" in told.stdout
    assert "1 changes" in told.stdout


def test_routes_of_the_migration_file_win(run: Run, har: Path, tmp_path: Path) -> None:
    (tmp_path / "migration.toml").write_text(
        '[migration]\nname = "x"\norg = "demo"\n[[routes]]\ntemplate = "/items/{number}"\nmethods = ["GET", "DELETE"]\neffect = "write"\n'
    )
    run("record", "import", har, "--into", "shop")
    told = run("contract", "learn", "shop", "--migration", "migration.toml", "--dry-run")
    assert told.exit_code == 0, told.output
    assert "write GET /items/{number}" in told.stdout
    assert "dead  DELETE /items/{number}" in told.stdout
    assert not Path("contract.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("contract", "learn", "nothing"), "recording_missing"),
        (("contract", "show", "--file", "none.toml"), "contract_missing"),
        (("record", "import", "none.har", "--into", "x"), "recording_import_unreadable"),
        (("record", "import", "none.har", "--into", "x", "--redact", "head"), "redaction_rule_invalid"),
    ],
)
def test_wrong_use_has_a_code(run: Run, arguments: tuple[str, ...], code: str) -> None:
    error = run(*arguments).exception
    assert isinstance(error, CaravanError)
    assert (error.code, error.exit_code) == (code, 2)


def test_a_contract_changed_after_it_was_frozen_is_refused(learnt: Run) -> None:
    learnt("contract", "freeze")
    file = Path("contract.toml")
    file.write_text(file.read_text().replace('"integer"', '"number"'))
    error = learnt("contract", "check", f"http://127.0.0.1:{free_port()}").exception
    assert isinstance(error, CaravanError)
    assert error.code == "contract_changed_since_frozen"


def test_headers_are_sent_and_never_told(learnt: Run, serving: Serving, answers: Answers) -> None:
    with serving(answers) as url:
        assert learnt("contract", "check", url, "--header", "Authorization: Bearer x").exit_code == 0
        error = learnt("contract", "check", url, "--header", "planted").exception
    assert isinstance(error, CaravanError)
    assert "planted" not in error.message


@contextmanager
def pytest_run(*arguments: object) -> Iterator["subprocess.CompletedProcess[str]"]:
    """pytest in a process of its own, with nothing but our plug-in."""
    plugins = ["-p", "caravan.migration.contract.pytest_plugin", "-p", "no:cacheprovider"]
    yield subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip


def test_pytest_has_one_test_per_route_and_status(
    contract_file: Path, tmp_path: Path, serving: Serving, answers: Answers
) -> None:
    def broken(method: str, target: str, body: bytes) -> tuple[int, Any]:
        status, value = answers(method, target, body)
        return status, {**value, "price": 1} if "price" in value else value

    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    with (
        serving(broken) as url,
        pytest_run(
            f"--rootdir={folder}", folder, "--caravan-contract", contract_file, "--caravan-url", url, "-rfs"
        ) as told,
    ):
        assert told.returncode == 1, told.stdout + told.stderr
    assert "1 failed, 3 passed, 1 skipped" in told.stdout
    assert "shop.toml::GET /items/{item_id} 200" in told.stdout
    assert "GET /items/{item_id} 200: $.price: expected string, seen 1 (sample 1: /items/" in told.stdout


def test_pytest_says_when_an_option_is_missing(contract_file: Path, tmp_path: Path) -> None:
    with pytest_run(f"--rootdir={tmp_path}", tmp_path, "--caravan-contract", contract_file) as told:
        assert told.returncode == 4
    assert "belong together" in told.stderr
