"""``GET /deduper/health``: one case per branch of the check of the environment, and the jobs it counts."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from caravan.core.clock import utc_now
from caravan.legacy.deduper.answers import DeduperHealth
from caravan.legacy.deduper.environment import DEDUPER, PYTHON
from tests.fixtures.deduper_worker import (
    RealWorker,
    application,
    program,
    worker,
)

__all__ = ["application", "program", "worker"]

pytestmark = pytest.mark.asyncio(loop_scope="session")

Change = Callable[[RealWorker, pytest.MonkeyPatch], None]


def unset(name: str) -> Change:
    return lambda _worker, patch: patch.delenv(name)


def points_to(name: str, value: str) -> Change:
    return lambda _worker, patch: patch.setenv(name, value)


def without_execution(worker: RealWorker, _patch: pytest.MonkeyPatch) -> None:
    (worker.program.venv / "bin" / "python").chmod(0o644)


def without_main(worker: RealWorker, _patch: pytest.MonkeyPatch) -> None:
    (worker.program.deduper / "src" / "main.py").unlink()


def main_is_a_folder(worker: RealWorker, _patch: pytest.MonkeyPatch) -> None:
    main = worker.program.deduper / "src" / "main.py"
    main.unlink()
    main.mkdir()


def both_unset(_worker: RealWorker, patch: pytest.MonkeyPatch) -> None:
    for name in (PYTHON, DEDUPER):
        patch.delenv(name)


def of_the_dotenv(worker: RealWorker, patch: pytest.MonkeyPatch) -> None:
    both_unset(worker, patch)
    Path(".env").write_text(f"{PYTHON}={worker.program.venv}\n{DEDUPER}={worker.program.deduper}\n")


def environment(*, deduper: bool = True, python: bool = True, exists: bool | None = True) -> dict[str, bool]:
    told = {"deduper_path_configured": deduper, "python_venv_configured": python}
    return told if exists is None else {**told, "deduper_path_exists": exists}


OK = {"python": "ok", "program": "ok"}
BRANCHES: dict[str, tuple[Change, str, dict[str, bool], dict[str, str]]] = {
    "all well": (lambda *_: None, "healthy", environment(), OK),
    "from .env": (of_the_dotenv, "healthy", environment(), OK),
    "interpreter unset": (
        unset(PYTHON),
        "unhealthy",
        environment(python=False),
        OK | {"python": f"{PYTHON} is not set"},
    ),
    "interpreter empty": (
        points_to(PYTHON, ""),
        "unhealthy",
        environment(python=False),
        OK | {"python": f"{PYTHON} is not set"},
    ),
    "program unset": (
        unset(DEDUPER),
        "unhealthy",
        environment(deduper=False, exists=None),
        OK | {"program": f"{DEDUPER} is not set"},
    ),
    "both unset": (
        both_unset,
        "unhealthy",
        environment(deduper=False, python=False, exists=None),
        {"python": f"{PYTHON} is not set", "program": f"{DEDUPER} is not set"},
    ),
    "interpreter absent": (
        points_to(PYTHON, "/nowhere"),
        "unhealthy",
        environment(),
        OK | {"python": "[Errno 2] No such file or directory: '/nowhere/bin/python'"},
    ),
    "interpreter not executable": (
        without_execution,
        "unhealthy",
        environment(),
        OK | {"python": "[Errno 13] Permission denied: '{venv}/bin/python'"},
    ),
    "program's folder absent": (
        points_to(DEDUPER, "/nowhere"),
        "unhealthy",
        environment(exists=False),
        OK | {"program": "[Errno 2] No such file or directory: '/nowhere/src/main.py'"},
    ),
    "program's file absent": (
        without_main,
        "unhealthy",
        environment(),
        OK | {"program": "[Errno 2] No such file or directory: '{deduper}/src/main.py'"},
    ),
    "program's file a folder": (
        main_is_a_folder,
        "unhealthy",
        environment(),
        OK | {"program": "[Errno 21] Is a directory: '{deduper}/src/main.py'"},
    ),
}


@pytest.mark.parametrize("branch", BRANCHES)
async def test_each_branch_of_the_check(
    worker: RealWorker, monkeypatch: pytest.MonkeyPatch, branch: str
) -> None:
    change, status, told, checks = BRANCHES[branch]
    change(worker, monkeypatch)
    answer = await worker.client.get("/deduper/health")
    assert answer.status_code == 200
    health = answer.json()
    DeduperHealth.model_validate(health)
    places = {"venv": worker.program.venv, "deduper": worker.program.deduper}
    assert health["status"] == status
    assert health["environment"] == told
    assert health["checks"] == {name: text.format(**places) for name, text in checks.items()}


async def test_a_configuration_that_is_mended_is_well_at_once(
    worker: RealWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_execution(worker, monkeypatch)
    assert (await worker.get("health"))["status"] == "unhealthy"
    (worker.program.venv / "bin" / "python").chmod(0o755)
    assert (await worker.get("health"))["status"] == "healthy"


async def test_jobs_are_counted_as_soon_as_they_move(worker: RealWorker) -> None:
    assert await counted(worker) == {}
    worker.program.says("analyze_fast", "hang")
    await worker.began(await worker.create())
    await worker.create()
    assert await counted(worker) == {"total": 2, "active": 2, "running": 1, "pending": 1}
    await worker.client.post("/deduper/jobs/2/cancel")
    assert await counted(worker) == {"total": 2, "active": 1, "running": 1, "cancelled": 1}
    worker.program.release()
    await worker.status(1, "completed")
    worker.program.says("analyze_fast", "exit 1")
    await worker.status(await worker.create(), "failed")
    assert await counted(worker) == {"total": 3, "completed": 1, "failed": 1, "cancelled": 1}


async def test_the_stamp_is_now(worker: RealWorker) -> None:
    before = utc_now()
    stamp = datetime.fromisoformat((await worker.get("health"))["timestamp"])
    assert before <= stamp <= utc_now()


async def counted(worker: RealWorker) -> dict[str, Any]:
    jobs: dict[str, int] = (await worker.get("health"))["jobs"]
    assert set(jobs) == {"total", "active", "pending", "running", "completed", "failed", "cancelled"}
    return {name: count for name, count in jobs.items() if count}
