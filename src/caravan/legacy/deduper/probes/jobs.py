"""Creating, listing, showing and cancelling."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from caravan.legacy.deduper.probes.probe import Answer, Probe, Situation

__all__ = ["JOBS"]

_STDOUT: Final = "Process output streamed to terminal"
_STDERR: Final = "Process errors streamed to terminal"
_MISSING: Final = "Missing environment variables for deduper or python venv"

_ERROR: Final = frozenset({"error"})
_CREATED: Final = frozenset({"jobId", "status"})
_STARTED: Final = frozenset({"jobId", "status", "createdAt", "startedAt"})
_ENDED: Final = _STARTED | {"completedAt"}
_EXITED: Final = _ENDED | {"exitCode", "stdout", "stderr"}
_TIMES: Final = frozenset({"jobId", "createdAt", "startedAt", "completedAt"})
_UNKNOWN: Final = Answer(404, keys=_ERROR, body=b'{"error":"Job not found"}\n')
_CANCELLED: Final = Answer(
    200,
    keys=frozenset({"jobId", "status", "message"}),
    values={"status": "cancelled", "message": "Job cancelled successfully"},
)


def _creating() -> Iterator[Probe]:
    made = Answer(201, keys=_CREATED, values={"status": "pending"})
    volatile = frozenset({"jobId"})
    yield Probe("create", "GET", "/deduper/jobs", made, volatile=volatile)
    yield Probe("create, query ignored", "GET", "/deduper/jobs?reportId=9", made, volatile=volatile)
    silent = Answer(201, body=b"")
    yield Probe("HEAD create", "HEAD", "/deduper/jobs", silent, replace(silent), "head-starts-nothing")
    report = "/deduper/jobs/reportId/"
    yield Probe("HEAD report", "HEAD", f"{report}5", silent, replace(silent), "head-starts-nothing")
    for segment, number in (
        ("5", 5),
        ("0", 0),
        ("007", 7),
        ("12345678901234567890", 12345678901234567890),
        ("%D9%A3", 3),
    ):
        answer = Answer(201, keys=_CREATED | {"reportId"}, values={"status": "pending", "reportId": number})
        yield Probe(f"report {segment}", "GET", report + segment, answer, volatile=volatile)


def _shown(
    name: str,
    situation: Situation,
    legacy: Answer,
    ours: Answer | None = None,
    difference: str | None = None,
) -> Iterator[Probe]:
    """Yield the question as documented, and as deployed, where no job is ever found."""
    path, volatile = "/deduper/jobs/{job}", _TIMES
    yield Probe(name, "GET", path, legacy, ours, difference, situation, volatile=volatile, documented=True)
    found = ours or legacy
    yield Probe(
        f"{name}, as deployed", "GET", path, _UNKNOWN, found, "job-found", situation, volatile=volatile
    )


def _showing() -> Iterator[Probe]:
    told = {"stdout": _STDOUT, "stderr": _STDERR}
    running = Answer(200, keys=_STARTED | {"reportId"}, values={"status": "running", "reportId": 5})
    yield from _shown("status, running", Situation.RUNNING, running)
    completed = {"status": "completed", "exitCode": 0, "reportId": 5, **told}
    yield from _shown(
        "status, completed",
        Situation.COMPLETED,
        Answer(200, keys=_EXITED | {"reportId"}, values=completed),
    )
    yield from _shown(
        "status, exited with 3",
        Situation.EXITED,
        Answer(200, keys=_EXITED, values={"status": "failed", "exitCode": 3, **told}),
    )
    yield from _shown(
        "status, cancelled",
        Situation.CANCELLED,
        Answer(200, keys=_EXITED, values={"status": "cancelled", "exitCode": -15, **told}),
    )
    unset = Answer(200, keys=_ENDED | _ERROR, values={"status": "failed", "error": _MISSING})
    yield from _shown("status, variables missing", Situation.UNCONFIGURED, unset)
    refused = Answer(200, keys=_ENDED | _ERROR, values={"status": "failed"})
    yield from _shown("status, wrong interpreter", Situation.WRONG_PYTHON, refused)
    ran = Answer(200, keys=_EXITED, values={"status": "failed", "exitCode": 2, **told})
    yield from _shown("status, wrong program", Situation.WRONG_PROGRAM, ran, refused, "checked-before-launch")
    for segment in ("999999", "abc", "-1", "1.0"):
        yield Probe(f"status of {segment}", "GET", f"/deduper/jobs/{segment}", _UNKNOWN)


def _cancelling() -> Iterator[Probe]:
    path, volatile = "/deduper/jobs/{job}/cancel", frozenset({"jobId"})
    for name, situation, answer in (
        ("cancel, running", Situation.RUNNING, _CANCELLED),
        ("cancel, completed", Situation.COMPLETED, _not_cancellable("completed")),
        ("cancel, failed", Situation.EXITED, _not_cancellable("failed")),
        ("cancel, cancelled", Situation.CANCELLED, _not_cancellable("cancelled")),
    ):
        yield Probe(name, "POST", path, answer, situation=situation, volatile=volatile, documented=True)
        yield Probe(
            f"{name}, as deployed", "POST", path, _UNKNOWN, answer, "job-found", situation, volatile=volatile
        )
    for segment in ("999999", "abc"):
        yield Probe(f"cancel of {segment}", "POST", f"/deduper/jobs/{segment}/cancel", _UNKNOWN)


def _not_cancellable(status: str) -> Answer:
    said = f"Cannot cancel job with status: {status}"
    return Answer(400, keys=_ERROR, body=b'{"error":"%b"}\n' % said.encode())


def _listing() -> Iterator[Probe]:
    keys = frozenset({"jobs"})
    yield Probe("list, empty", "GET", "/deduper/jobs/list", Answer(200, keys=keys, body=b'{"jobs":[]}\n'))
    each = frozenset({"jobs.jobId", "jobs.createdAt"})
    some = Answer(200, keys=keys, values={"jobs.status": ["completed"]})
    yield Probe(
        "list, one job",
        "GET",
        "/deduper/jobs/list",
        some,
        situation=Situation.COMPLETED,
        volatile=each,
    )


JOBS: Final = (*_creating(), *_showing(), *_cancelling(), *_listing())
