"""One round of what people do: clear the table, request a job, watch the list, use the result."""

from collections.abc import Mapping
from typing import Any, Final

from scripts.drill.articles import SharedArticles
from scripts.drill.record import DrillError, Record
from scripts.drill.sides import CALLER_PREFIX, Limit, Side, until

__all__ = ["REPORT", "trigger"]

REPORT: Final = 1
_NO_REPORT: Final = 987_654
_ENDED: Final = ("completed", "failed", "cancelled")


def trigger(record: Record, leg: str, caller: Side, articles: SharedArticles, limit: Limit) -> str:
    """Go through the flow by the caller's routes alone; returns the digest of the table."""
    with record.step(f"{leg}: clear the table", "200, and no row is left") as step:
        told = _good(caller.ask("DELETE", f"{CALLER_PREFIX}/clear-article-duplicate-analyses-table"), 200)
        if told["pythonQueuerResponse"]["exitCode"] != 0 or articles.count() != 0:
            raise DrillError(f"not cleared: {told}")
        step.found = "200, 0 rows"
    with record.step(f"{leg}: request a job", "201 with jobId, reportId, status pending") as step:
        told = _good(caller.ask("GET", f"{CALLER_PREFIX}/request-job/{REPORT}"), 201)
        job = told["pythonQueuerResponse"]
        if job.keys() != {"jobId", "reportId", "status"} or (job["reportId"], job["status"]) != (
            REPORT,
            "pending",
        ):
            raise DrillError(f"another answer: {job}")
        if told["articleCount"] != articles.new or type(job["jobId"]) is not int:
            raise DrillError(f"another answer: {told}")
        step.found = f"201, job {job['jobId']}"
    with record.step(f"{leg}: a report that does not exist", "404 from the caller itself") as step:
        status, _ = caller.ask("GET", f"{CALLER_PREFIX}/request-job/{_NO_REPORT}")
        step.found = str(status)
        if status != 404:  # noqa: PLR2004 - the code itself is the expectation
            raise DrillError(step.found)
    with record.step(f"{leg}: the job ends", "completed in the list that the portal reads") as step:
        ended = until(lambda: _ended(caller, job["jobId"]), limit, f"job {job['jobId']} has ended")
        step.found = ended["status"]
        if step.found != "completed":
            raise DrillError(step.found)
    record.figures[f"{leg}_job_seconds"] = step.seconds
    with record.step(f"{leg}: the table", "every pair, exactly the planted duplicates") as step:
        digest = articles.digest()
        step.found = f"{articles.count()} pairs, digest {digest}"
    return digest


def _ended(caller: Side, number: int) -> Mapping[str, Any] | None:
    told = _good(caller.ask("GET", f"{CALLER_PREFIX}/job-list-status"), 200)
    for job in told["jobs"]:
        if job["jobId"] == number and job["status"] in _ENDED:
            return dict(job)
    return None


def _good(answer: tuple[int, Any], wanted: int) -> Any:  # noqa: ANN401 - any JSON
    status, body = answer
    if status != wanted:
        raise DrillError(f"{status}, not {wanted}: {body}")
    return body
