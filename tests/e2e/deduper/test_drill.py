"""The rollback drill of the deduper queue, in its short form."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from tests.fixtures.command_line import ROOT


def drill(out: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    """Run it; returns exit code, the filed record and the filed page."""
    done = subprocess.run(
        [sys.executable, "scripts/deduper_drill.py", "--out", str(out), "--short", *more],
        cwd=ROOT,
        env={**os.environ, "HOME": str(out)},  # by which its processes are known
        capture_output=True,
        text=True,
        check=False,
        timeout=260,
    )
    (record,), (page,) = out.glob("*-deduper-drill.json"), out.glob("*-deduper-drill.md")
    assert record.stem == page.stem
    assert "Traceback" not in done.stderr, done.stderr
    assert [process for process in psutil.process_iter() if _home(process) == str(out)] == []
    return done.returncode, json.loads(record.read_text()), page.read_text()


def test_the_caller_goes_to_caravan_and_back_and_finds_the_same_duplicates(tmp_path: Path) -> None:
    code, record, page = drill(tmp_path, "--limit", "200")  # a busy machine is no failure here
    failed = [step for step in record["steps"] if not step["passed"]]
    assert (code, failed, record["passed"]) == (0, [], True)
    names = [step["name"] for step in record["steps"]]
    for leg in ("before", "cutover", "rollback"):
        assert f"{leg}: the job ends" in names
        assert 0 < record["figures"][f"{leg}_switch_seconds"] < 20
    assert "**Passed**" in page


def test_a_drill_that_fails_says_so_and_is_filed_too(tmp_path: Path) -> None:
    code, record, page = drill(tmp_path, "--limit", "0.6")
    assert (code, record["passed"]) == (1, False)
    failed = [step for step in record["steps"] if not step["passed"]]
    assert "the time limit of the drill is over" in failed[0]["found"]
    assert record["steps"][-1] == {**record["steps"][-1], "name": "end", "passed": True, "found": "0 left"}
    assert "**FAILED**" in page


def _home(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("HOME")
    except psutil.Error:
        return None
