"""`caravan api --only deduper` as an operator runs it: nothing set but the two paths, on a port of its own."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from caravan.core.settings import load_settings
from caravan.entry.deduper_alone import PORT, as_legacy_worker
from tests.fixtures.command_line import Home, new_home, until
from tests.fixtures.scripted_deduper import ScriptedDeduper
from tools.free_ports import free_port


@dataclass
class Alone:
    """The command in a home and a working folder of its own."""

    home: Home
    folder: Path
    program: ScriptedDeduper
    port: int
    last: Any = None

    @property
    def told(self) -> Path:
        return self.folder / "told"

    def get(self, path: str, **more: Any) -> httpx2.Response:  # noqa: ANN401 - whatever a request takes
        return httpx2.get(f"http://127.0.0.1:{self.port}{path}", timeout=30, **more)

    def status(self, number: int) -> str:
        return str(self.get(f"/deduper/jobs/{number}").json()["status"])

    def start(self) -> "Running":
        process = self.last = self.home.begin(
            "api", "--only", "deduper", "--port", self.port, cwd=self.folder, told=self.told
        )
        until(self._answers, 40, "the worker answers")
        return Running(process)

    def _answers(self) -> bool:
        try:
            return bool(self.get("/readyz").json()["status"] == "ok")
        except httpx2.HTTPError:
            return False


@dataclass
class Running:
    process: Any

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code: int = self.process.wait(30)
        return code


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Alone]:
    """A working folder with a ``.env`` that names the program."""
    program = ScriptedDeduper.make(tmp_path / "legacy")
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / ".env").write_text(
        f"PATH_TO_PYTHON_VENV={program.venv}\nPATH_TO_MICROSERVICE_DEDUPER={program.deduper}\nNAME_DB=news.db\n"
    )
    with new_home() as home:
        found = Alone(home, folder, program, free_port())
        yield found
        if found.last is not None and found.last.poll() is None:
            found.last.terminate()
            found.last.wait(30)


def test_it_runs_jobs_and_remembers_them(alone: Alone) -> None:
    running = alone.start()
    assert alone.get("/deduper/health").json()["status"] == "healthy"
    assert alone.get("/deduper/jobs/reportId/5").status_code == 201
    until(lambda: alone.status(1) == "completed", what="the job ends")
    found = alone.program.environment
    assert found["NAME_DB"] == "news.db"
    ours = {name for name in found if name.startswith("CARAVAN_") or name == "DATABASE_URL"}
    assert ours <= {"CARAVAN_JOB", "CARAVAN_JOB_EVENTS"}  # by which its processes are known

    alone.program.says("analyze_fast", "hang")
    alone.get("/deduper/jobs")
    alone.get("/deduper/jobs/reportId/7")
    until(lambda: alone.status(2) == "running" and alone.program.began, what="the second runs")
    child = psutil.Process(alone.program.began)
    assert running.end(signal.SIGTERM) == 0
    assert not child.is_running()
    assert alone.home.processes() == {}

    alone.program.release()
    again = alone.start()
    assert "error" in alone.get("/deduper/jobs/2").json()
    assert alone.status(2) == "failed"
    until(lambda: alone.status(3) == "completed", what="the third runs after the restart")
    assert alone.get("/deduper/jobs").json()["jobId"] == 4
    assert alone.get("/nothing").text.startswith("<!doctype html>")
    assert "Traceback" not in alone.told.read_text()
    assert again.end(signal.SIGINT) == 0


def test_it_has_the_legacys_port_and_no_limits_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CARAVAN_PORT", "CARAVAN_RATE_LIMITS"):
        monkeypatch.delenv(name, raising=False)
    usual = as_legacy_worker(load_settings())
    assert (usual.host, usual.port, usual.rate_limits) == ("127.0.0.1", PORT, False)
    assert as_legacy_worker(load_settings(port=5055)).port == 5055
    monkeypatch.setenv("CARAVAN_PORT", "5056")
    monkeypatch.setenv("CARAVAN_RATE_LIMITS", "true")
    told = as_legacy_worker(load_settings())
    assert (told.port, told.rate_limits) == (5056, True)


def test_another_part_is_refused(alone: Alone) -> None:
    done = alone.home.caravan("api", "--only", "nothing", cwd=alone.folder)
    assert (done.returncode, "deduper" in done.stderr) == (2, True)
