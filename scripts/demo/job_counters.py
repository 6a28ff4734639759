"""A page of business counters: how many jobs have failed on each side, and how many of them by running out of time.

    python job_counters.py PORT OLD NEW

The Flask worker exposes no metrics, so its list of jobs is counted; ours is counted the same way. The label `arm` is the one that
`[[canary.counters]]` reads.
"""

import sys
from typing import Final

import httpx2
import uvicorn
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_OUT_OF_TIME: Final = ("timed out", "timeout", "took too long")
_PATIENCE: Final = 5.0


class JobCounters:
    """Counts when it is asked; a side that does not answer is left out, which the canary tells as a counter it cannot read."""

    def __init__(self, sides: dict[str, str]) -> None:
        self._sides = sides

    def collect(self) -> list[CounterMetricFamily]:
        failed = CounterMetricFamily("deduper_jobs_failed", "Jobs that have failed", labels=["arm"])
        late = CounterMetricFamily("deduper_jobs_timed_out", "Jobs that ran out of time", labels=["arm"])
        for arm, url in self._sides.items():
            try:
                jobs = _failed_jobs(url)
            except (httpx2.HTTPError, ValueError):
                continue
            failed.add_metric([arm], len(jobs))
            late.add_metric([arm], sum(_ran_out(job) for job in jobs))
        return [failed, late]


def _failed_jobs(url: str) -> list[dict[str, object]]:
    with httpx2.Client(base_url=url, timeout=_PATIENCE, trust_env=False) as side:
        listed = side.get("/deduper/jobs/list").raise_for_status().json()["jobs"]
        failed = [job["jobId"] for job in listed if job["status"] == "failed"]
        return [side.get(f"/deduper/jobs/{number}").raise_for_status().json() for number in failed]


def _ran_out(job: dict[str, object]) -> bool:
    said = str(job.get("error", "")).lower()
    return any(words in said for words in _OUT_OF_TIME)


def _page(registry: CollectorRegistry) -> Starlette:
    def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/metrics", metrics)])


if __name__ == "__main__":
    own = CollectorRegistry(auto_describe=False)
    own.register(JobCounters({"old": sys.argv[2], "new": sys.argv[3]}))
    uvicorn.run(
        _page(own), port=int(sys.argv[1]), log_level="warning", server_header=False, date_header=False
    )
