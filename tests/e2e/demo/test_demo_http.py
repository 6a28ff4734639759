"""The demonstration when it cannot keep what it promises: it says so, ends with 1, and leaves nothing behind."""

import os
import shutil
import subprocess
import sys

import psutil

from caravan.core.database import DatabaseAddress
from tests.fixtures.command_line import ROOT


def test_one_that_runs_out_of_time_says_so_and_leaves_nothing_running(own_database: DatabaseAddress) -> None:
    done = subprocess.run(
        [sys.executable, "scripts/demo_http.py", "--only", "flask", "--limit", "2"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": own_database.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 1, done.stderr
    assert "BROKEN flask    it comes to its end: " in done.stdout
    assert "nothing is left running: 0 processes" in done.stdout
    assert "Traceback" not in done.stderr
    (folder,) = {line.split()[-1] for line in done.stdout.splitlines() if line.startswith("logs are in")}
    assert not [process for process in psutil.process_iter() if _is_of(process, folder)]
    shutil.rmtree(folder)


def _is_of(process: psutil.Process, folder: str) -> bool:
    try:
        return any(folder in part for part in [*process.cmdline(), process.cwd()])
    except psutil.Error:
        return False
