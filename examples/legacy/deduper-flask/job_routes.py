"""The seven routes of the queue. What a view says is JSON; what the framework refuses is its own HTML."""

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias

from clear_table import clear_table
from flask import Blueprint, Response, jsonify
from job_table import JOBS, Job, add_job, now

__all__ = ["job_routes"]

Answer: TypeAlias = tuple[Response, int]

_CANCEL_WAIT: Final = 1.0
_STATES: Final = ("pending", "running", "completed", "failed", "cancelled")


def job_routes(*, integer_ids: bool) -> Blueprint:
    """Return the routes; with text ids, as deployed, status and cancel find nothing: the table's keys are integers."""
    routes = Blueprint("deduper", __name__, url_prefix="/deduper")
    kind = "int" if integer_ids else "string"
    routes.get("/jobs")(create)
    routes.get("/jobs/reportId/<int:report_id>")(create_for_report)
    routes.get("/jobs/list")(list_jobs)
    routes.get(f"/jobs/<{kind}:job_id>")(status)
    routes.post(f"/jobs/<{kind}:job_id>/cancel")(cancel)
    routes.get("/health")(health)
    routes.delete("/clear-db-table")(clear_table)
    return routes


def create() -> Answer:
    return _created(None)


def create_for_report(report_id: int) -> Answer:
    return _created(report_id)


def _created(report_id: int | None) -> Answer:
    try:
        job = add_job(report_id)
        scope = {} if report_id is None else {"reportId": report_id}
        return jsonify({"jobId": job.id, "status": "pending", **scope}), 201
    except Exception as error:  # noqa: BLE001 - the legacy answers any failure
        return jsonify({"error": str(error)}), 500


def list_jobs() -> Response:
    return jsonify(
        {
            "jobs": [
                {"jobId": number, "status": job.status, "createdAt": job.created_at}
                for number, job in JOBS.items()
            ]
        }
    )


def status(job_id: int | str) -> Answer:
    job = _found(job_id)
    return (jsonify(job.answer()), 200) if job else _not_found()


def cancel(job_id: int | str) -> Answer:
    job = _found(job_id)
    if job is None:
        return _not_found()
    if not job.active:
        return jsonify({"error": f"Cannot cancel job with status: {job.status}"}), 400
    try:
        job.cancel(_CANCEL_WAIT)
        told = {"jobId": job.id, "status": "cancelled", "message": "Job cancelled successfully"}
        return jsonify(told), 200
    except Exception as error:  # noqa: BLE001 - the legacy answers any failure
        return jsonify({"error": f"Failed to cancel job: {error}"}), 500


def health() -> Answer:
    try:
        program = os.environ.get("PATH_TO_MICROSERVICE_DEDUPER")
        environment = {
            "deduper_path_configured": bool(program),
            "python_venv_configured": bool(os.environ.get("PATH_TO_PYTHON_VENV")),
        }
        if program:
            environment["deduper_path_exists"] = Path(program).exists()
        counted = Counter(job.status for job in JOBS.values())
        told = {
            "status": "healthy" if environment.get("deduper_path_exists", True) else "unhealthy",
            "timestamp": now(),
            "environment": environment,
            "jobs": {"total": len(JOBS), **{state: counted[state] for state in _STATES}},
        }
        return jsonify(told), 200
    except Exception as error:  # noqa: BLE001 - the legacy answers any failure
        naive = datetime.now(UTC).replace(tzinfo=None).isoformat()
        return jsonify({"status": "unhealthy", "error": str(error), "timestamp": naive}), 500


def _found(job_id: int | str) -> Job | None:
    # The defect itself: a text never equals a key of this dictionary.
    return JOBS.get(job_id)  # type: ignore[arg-type]


def _not_found() -> Answer:
    return jsonify({"error": "Job not found"}), 404
