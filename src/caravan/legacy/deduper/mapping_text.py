"""The words of the mapping document that are no data of the worker's own."""

from typing import Final

__all__ = ["CONTRACT", "ENDPOINTS", "INTRODUCTION", "VARIABLES"]

INTRODUCTION: Final = """# The deduper's worker: contract, matrix, accepted differences

Made from `caravan.legacy.deduper` by `python -m caravan.legacy.deduper.mapping_document`; a test fails when the two differ.

The worker takes the place of the Flask service that started one run of the deduper program per request. Its contract is
that service as it ran from the monorepo (errors are strings, finished jobs carry `stdout` and `stderr`). The program and
the SQLite file it works on are untouched: they are started and named as before. [How to run it](../guide/deduper.md).

Nobody logs in: the old addresses had no authentication, and their caller, the Express `api/`, sends none. So the worker
alone listens on loopback unless told otherwise, and the platform does not serve these addresses at all unless
`CARAVAN_DEDUPER_BRIDGE` says so. Whoever reaches them may start, cancel and clear."""

ENDPOINTS: Final = (
    ("`GET /`", "200", "HTML with the service's label"),
    ("`GET`, `POST /test`", "200, 400, 415", "the JSON body back; what is empty or false becomes `{}`"),
    ("`GET /deduper/jobs`", "201, 500", "`jobId`, `status`"),
    ("`GET /deduper/jobs/reportId/{reportId}`", "201, 500", "`jobId`, `reportId`, `status`"),
    ("`GET /deduper/jobs/list`", "200", "`jobs`: `jobId`, `status`, `createdAt` each"),
    (
        "`GET /deduper/jobs/{id}`",
        "200, 404",
        (
            "`jobId`, `status`, `createdAt`; where they apply `reportId`, `startedAt`, `completedAt`, `exitCode` with"
            " `stdout` and `stderr`, `error`"
        ),
    ),
    ("`POST /deduper/jobs/{id}/cancel`", "200, 400, 404, 500", "`jobId`, `status`, `message`"),
    ("`GET /deduper/health`", "200, 500", "`status`, `timestamp`, `environment`, `jobs`, `checks`"),
    (
        "`DELETE /deduper/clear-db-table`",
        "200, 500",
        "`cleared`, `cancelledJobs`, `exitCode`, `stdout`, `stderr`, `timestamp`; `error` when it failed",
    ),
)

CONTRACT: Final = """Answers of the views are JSON: keys sorted, compact, ASCII with escapes, a newline at the end, `application/json`
without charset. A key that does not apply is left out, never null. Errors are `{"error": "…"}` there, and small HTML pages
for what the framework refused (400, 404, 405, 413, 415, 429, 500, 503). GET addresses answer HEAD, every address OPTIONS with
its `Allow`. A trailing slash is 404; leading slashes do not matter; inner double slashes lead to the path without them (308).

States: `pending`, `running`, `completed`, `failed`, `cancelled`. `exitCode` is negative when a signal ended the program.
Stamps are ISO 8601 in UTC with microseconds and `+00:00`; the fraction is left out when it is zero. `jobId` is an integer
that counts from 1. `reportId` is digits of any script and any number; leading zeros do not count.

| job | keys beside `jobId`, `status`, `createdAt` (and `reportId`) |
|---|---|
| waits | |
| runs | `startedAt` |
| ended by the program's exit | `startedAt`, `completedAt`, `exitCode`, `stdout`, `stderr` |
| never launched | `startedAt`, `completedAt`, `error` |
| cancelled while it waited | `completedAt` |
| cancelled while it ran | `startedAt`, `completedAt`; `exitCode`, `stdout`, `stderr` once its processes are gone |
| timed out, or lost with the service | `startedAt`, `completedAt`, `error`; `exitCode`, `stdout`, `stderr` where it is known |"""

VARIABLES: Final = (
    ("`PATH_TO_PYTHON_VENV`", "`<it>/bin/python` runs the program; looked at before every launch"),
    ("`PATH_TO_MICROSERVICE_DEDUPER`", "`<it>/src/main.py` is the program; looked at before every launch"),
    (
        (
            "`PATH_TO_DATABASE`, `NAME_DB`, `PATH_TO_CSV`, `NAME_APP`, `RUN_ENVIRONMENT`, `PATH_TO_LOGS`,"
            " `LOG_MAX_SIZE`, `LOG_MAX_FILES` and all others"
        ),
        "go to the program as they are, from the environment or from `.env` of the working folder; the environment wins",
    ),
    (
        "`CARAVAN_*`, `DATABASE_URL`, `REDIS_URL`, `BROKER_URL`",
        "the worker's own [settings](../guide/deduper.md#settings); never seen by the program",
    ),
)
