"""Health, and clearing the table."""

from collections.abc import Iterator
from typing import Final

from caravan.legacy.deduper.probes.probe import Answer, Probe, Situation

__all__ = ["TABLE"]

_HEALTH: Final = frozenset({"status", "timestamp", "environment", "jobs"})
_CHECKED: Final = _HEALTH | {"checks"}
_CLEARED: Final = frozenset({"cleared", "cancelledJobs", "exitCode", "stdout", "stderr", "timestamp"})
_NOT_RUN: Final = frozenset({"error", "cancelledJobs", "timestamp"})
_NOBODY: Final = {
    "jobs.total": 0, "jobs.pending": 0, "jobs.running": 0, "jobs.completed": 0, "jobs.failed": 0, "jobs.cancelled": 0,
}  # fmt: skip
_STAMP: Final = frozenset({"timestamp"})
_PRINTED: Final = frozenset({"timestamp", "stdout", "stderr"})
_CLEAR: Final = "/deduper/clear-db-table"


def _health() -> Iterator[Probe]:
    def probe(name: str, situation: Situation, legacy: dict[str, object], ours: dict[str, object]) -> Probe:
        return Probe(
            f"health, {name}",
            "GET",
            "/deduper/health",
            Answer(200, keys=_HEALTH, values=legacy),
            Answer(200, keys=_CHECKED, values={**legacy, **ours}),
            "health-tells-configuration",
            situation,
            volatile=_STAMP | {"checks"},
        )

    def configured(*, exists: bool) -> dict[str, object]:
        return {
            "environment.deduper_path_configured": True,
            "environment.python_venv_configured": True,
            "environment.deduper_path_exists": exists,
        }

    well = {"status": "healthy", **configured(exists=True)}
    yield probe("all well", Situation.EMPTY, {**well, **_NOBODY}, {"jobs.active": 0})
    yield probe("wrong interpreter", Situation.WRONG_PYTHON, well, {"status": "unhealthy"})
    ill = {"status": "unhealthy", **configured(exists=False)}
    yield probe("wrong program", Situation.WRONG_PROGRAM, ill, {})
    unset: dict[str, object] = {
        "status": "healthy",
        "environment.deduper_path_configured": False,
        "environment.python_venv_configured": False,
    }
    yield probe("variables missing", Situation.UNCONFIGURED, unset, {"status": "unhealthy"})
    counted = {**well, "jobs.total": 1, "jobs.completed": 1}
    yield probe("one job completed", Situation.COMPLETED, counted, {"jobs.active": 0})


def _clearing() -> Iterator[Probe]:
    def probe(name: str, situation: Situation, answer: Answer, volatile: frozenset[str] = _PRINTED) -> Probe:
        return Probe(f"clear, {name}", "DELETE", _CLEAR, answer, situation=situation, volatile=volatile)

    cleared = {"cleared": True, "exitCode": 0, "cancelledJobs": []}
    yield probe("nothing to cancel", Situation.EMPTY, Answer(200, keys=_CLEARED, values=cleared))
    while_running = Answer(200, keys=_CLEARED, values={"cleared": True, "exitCode": 0})
    yield probe("a job runs", Situation.RUNNING, while_running, _PRINTED | {"cancelledJobs"})
    missing = b'{"error":"Missing environment variables for deduper or python venv"}\n'
    yield probe(
        "variables missing",
        Situation.UNCONFIGURED,
        Answer(500, keys=frozenset({"error"}), body=missing),
    )
    failed = Answer(500, keys=_NOT_RUN, values={"cancelledJobs": []})
    yield probe("wrong interpreter", Situation.WRONG_PYTHON, failed, _STAMP | {"error"})
    said = {"cleared": False, "cancelledJobs": [], "error": "Clear table command failed"}
    for name, situation, code in (
        ("wrong program", Situation.WRONG_PROGRAM, 2),
        ("command fails", Situation.CLEAR_FAILS, 1),
    ):
        ended = Answer(500, keys=_CLEARED | {"error"}, values={**said, "exitCode": code})
        yield probe(name, situation, ended)
    late = {"error": "Clear table command timed out", "cancelledJobs": []}
    yield probe("command hangs", Situation.CLEAR_HANGS, Answer(500, keys=_NOT_RUN, values=late))


TABLE: Final = (*_health(), *_clearing())
