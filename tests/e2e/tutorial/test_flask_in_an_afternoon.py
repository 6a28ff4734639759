"""The tutorial is run as it is written: every shell block, in order, against real processes."""

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from caravan.core.database import DatabaseAddress
from tests.e2e.tutorial.page import Shell, Step, steps
from tests.fixtures.command_line import ROOT
from tools.free_ports import free_port

PAGE = ROOT / "docs/tutorial/flask-in-an-afternoon.md"
PORTS = ("5000", "5001", "8080", "8081", "8082", "8083")
_PORT = re.compile(r"(?<![\w.])(?:" + "|".join(PORTS) + r")(?!\w)")


def environment(database: DatabaseAddress, ports: Mapping[str, str]) -> dict[str, str]:
    """That of somebody whose shell has the environment of Caravan active, with ports that are free here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CARAVAN_", "PYTHON"))}
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "DATABASE_URL": database.url,
        "CARAVAN_GATEWAY_ADMIN_PORT": ports["8081"],
        "CARAVAN_CONDUCTOR_ADMIN_PORT": ports["8082"],
        "CARAVAN_CONSOLE_PORT": ports["8083"],
        "COLUMNS": "160",
        "NO_COLOR": "1",
    }


@pytest.mark.timeout(400)
def test_every_step_does_what_the_page_promises(own_database: DatabaseAddress, tmp_path: Path) -> None:
    folder = tmp_path / "shelf"
    shutil.copytree(ROOT / "examples/tutorial", folder, ignore=shutil.ignore_patterns("__pycache__", "*.db"))
    ports = {port: str(free_port()) for port in PORTS}
    page = _PORT.sub(lambda found: ports[found[0]], PAGE.read_text(encoding="utf-8"))
    with Shell(folder, environment(own_database, ports)) as shell:
        for step in steps(page):
            printed, _ = shell.run(step.commands)
            logs = "".join(f"\n{log.name}: {log.read_text()[-2000:]}" for log in folder.glob("*.log"))
            assert step.kept(printed), f"{PAGE.name}:{step.line}\n{step.commands}\n{printed}\n{logs}"
    assert [process for process in psutil.process_iter() if _runs_in(process, folder)] == []


def _runs_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(folder)
    except psutil.Error:
        return False


def test_the_page_has_its_steps() -> None:
    found = list(steps(PAGE.read_text(encoding="utf-8")))
    assert len(found) > 15
    assert sum(step.prints is not None for step in found) > 10


@pytest.mark.parametrize(
    ("prints", "output", "kept"),
    [
        ("a\n", "a", True),
        ("a … c\n", "a b c", True),
        ("a … c\n", "a b d", False),
        ("a\n…\nd\n", "a\nb\nc\nd", True),
        ("a\n…\nd\n", "a\nd", True),
        ("a\n", "a\nb", False),
        ("a.c\n", "abc", False),
    ],
)
def test_what_was_promised_is_compared_but_for_the_ellipses(prints: str, output: str, kept: bool) -> None:
    assert Step(1, "", prints).kept(output) is kept
