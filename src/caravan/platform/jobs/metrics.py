"""Figures of jobs for Prometheus."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

__all__ = ["DEPTH", "FINISHED_JOBS", "RUN_SECONDS", "WAIT_SECONDS"]

DEPTH: Final = Gauge(
    "caravan_jobs_depth",
    "Jobs of a queue that are pending or running, over all tenants",
    ("queue", "state"),
    multiprocess_mode="mostrecent",
)
WAIT_SECONDS: Final = Histogram(
    "caravan_jobs_wait_seconds",
    "Time from the creation of a job to its start",
    ("queue",),
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200),
)
RUN_SECONDS: Final = Histogram(
    "caravan_jobs_run_seconds",
    "Time from the start of a job's program to its end",
    ("queue",),
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200, 28_800),
)
FINISHED_JOBS: Final = Counter(
    "caravan_jobs_finished_total", "Jobs that have ended, by how", ("queue", "state", "reason")
)
