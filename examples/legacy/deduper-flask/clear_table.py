"""Clearing the table: every job is ended first, one after another, then the program deletes the rows."""

import os
import subprocess
from typing import Any, Final

from flask import Response, jsonify
from job_table import JOBS, MISSING, command, now

__all__ = ["clear_table"]

_CANCEL_WAIT: Final = 0.5
_LIMIT: Final = "DEDUPER_FLASK_CLEAR_SECONDS"
"""Seconds the program may take, for tests; 60 in the legacy."""


def clear_table() -> tuple[Response, int]:
    started = command()
    if started is None:
        return jsonify({"error": MISSING}), 500
    cancelled: list[int] = []
    try:
        for number, job in JOBS.items():  # over the live table: a job made meanwhile ends this with an error
            if job.active:
                job.cancel(_CANCEL_WAIT)
                cancelled.append(number)
        limit = float(os.environ.get(_LIMIT, "60"))
        done = subprocess.run(  # noqa: S603 - what the operator configured
            [*started, "clear_table", "-y"], capture_output=True, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return _failed("Clear table command timed out", cancelled)
    except Exception as error:  # noqa: BLE001 - the legacy answers any failure
        return _failed(str(error), cancelled)
    told: dict[str, Any] = {
        "cleared": done.returncode == 0,
        "cancelledJobs": cancelled,
        "exitCode": done.returncode,
        "stdout": done.stdout,
        "stderr": done.stderr,
        "timestamp": now(),
    }
    if done.returncode != 0:
        return jsonify(told | {"error": "Clear table command failed"}), 500
    return jsonify(told), 200


def _failed(error: str, cancelled: list[int]) -> tuple[Response, int]:
    return jsonify({"error": error, "cancelledJobs": cancelled, "timestamp": now()}), 500
