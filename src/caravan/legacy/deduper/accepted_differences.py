"""Where the new worker differs from the legacy on purpose, as data: the mapping document and the contract tests read it."""

from dataclasses import dataclass
from typing import Final

__all__ = ["ACCEPTED", "AcceptedDifference", "difference"]

_WORKER: Final = "deduper worker owner"
_OPERATIONS: Final = "operations lead"
_API: Final = "api owner"
_SECURITY: Final = "security lead"


@dataclass(frozen=True, slots=True)
class AcceptedDifference:
    """One difference that nobody shall be surprised by; ``id`` is what probes refer to."""

    id: str
    legacy: str
    ours: str
    reason: str
    owner: str


ACCEPTED: Final = (
    AcceptedDifference(
        "job-found",
        "status and cancel answer 404 for every id: the table has integers, the routes pass text",
        "they find the job: 200, 400 when it cannot be cancelled, 404 when there is none",
        "the documented behaviour; nothing relies on the 404, and a job must be cancellable",
        _WORKER,
    ),
    AcceptedDifference(
        "id-canonical",
        "the documented routes take integers, so `007` would be job 7 and `abc` an HTML 404",
        "`{id}` stays a string, as deployed: what is not a decimal number as we write it is a JSON 404",
        "one form of an id, and one form of its absence",
        _WORKER,
    ),
    AcceptedDifference(
        "one-at-a-time",
        "every job starts at once, beside the others, on one shared table",
        "jobs run one after another; until its turn a job is `pending`",
        "parallel runs overwrite each other's table; the portal shows only `running` jobs as active",
        _WORKER,
    ),
    AcceptedDifference(
        "head-starts-nothing",
        "HEAD on the two create addresses creates a job",
        "HEAD answers the status and headers of GET and creates nothing",
        "HEAD is safe (RFC 9110, 9.2.1); link checkers must not start work",
        _API,
    ),
    AcceptedDifference(
        "cancel-is-certain",
        "only the child gets SIGTERM, the answer waits 1 s; a child that ignores it ends as `failed`/-9 although the answer"
        " said cancelled, one cancelled before its start runs on and ends `completed`",
        "the answer comes at once; the job is `cancelled` and stays so, never starts if it waited, and every process it"
        " left is ended, by SIGKILL after the grace time; `exitCode` appears when they are gone",
        "cancel must mean what it says",
        _WORKER,
    ),
    AcceptedDifference(
        "clear-holds-the-queue",
        "jobs are ended one after another, 0.5 s each; a create meanwhile makes the answer a 500 and the table stays; new"
        " jobs start while the table is being emptied",
        "jobs are ended together, the command runs when their processes are gone, and jobs created meanwhile wait for it;"
        " a second clear waits for the first",
        "clearing must not race with the jobs that fill the table",
        _WORKER,
    ),
    AcceptedDifference(
        "checked-before-launch",
        "a wrong program path shows as `exitCode` 2 of a job that ran an interpreter for nothing",
        "the job fails before its launch and `error` names the file; no `exitCode`. A wrong interpreter reads as before",
        "the operator sees what to correct in the job itself",
        _OPERATIONS,
    ),
    AcceptedDifference(
        "health-tells-configuration",
        "`healthy` while variables are missing or the interpreter is wrong; `unhealthy` only without the program's folder",
        "`unhealthy` whenever a job could not be launched, still 200; `checks.python` and `checks.program` say `ok` or why"
        " not, `jobs.active` counts what waits and runs",
        "monitoring must see what callers would run into; existing keys stay",
        _OPERATIONS,
    ),
    AcceptedDifference(
        "jobs-survive",
        "jobs are forgotten at a restart, ids begin at 1 again, running children go on as orphans",
        "jobs are kept, an id is never used again, children end with the service and their jobs are failed with `error`",
        "a restart must neither lose work nor leave programs that nobody watches",
        _WORKER,
    ),
    AcceptedDifference(
        "list-is-bounded",
        "every job since the start",
        "the last 1,000 (`CARAVAN_DEDUPER_LIST_LENGTH`), in order of creation",
        "jobs are kept for good; the answer must not grow for good",
        _API,
    ),
    AcceptedDifference(
        "list-a-moment-later",
        "one process knows everything at once",
        "so does ours of what it did itself; of the runner, and of other machines on the same database, list and health"
        " may know up to 10 ms later",
        "answers are kept ready; callers ask every few seconds",
        _API,
    ),
    AcceptedDifference(
        "report-any-length",
        "a `reportId` of more than 4,300 digits is refused, as its integer cannot be made: 500, with later releases of the"
        " framework 404",
        "a number of any length is taken, and given to the program digit for digit without leading zeros",
        "it is a name to us, not a figure",
        _WORKER,
    ),
    AcceptedDifference(
        "time-out",
        "a job runs as long as it likes",
        "the same, unless `CARAVAN_DEDUPER_TIMEOUT` is set: then it is ended and `failed`, with `error` and, when its"
        " processes are gone, `exitCode`",
        "a hung program would block a queue that runs one at a time",
        _OPERATIONS,
    ),
    AcceptedDifference(
        "environment-of-the-program",
        "the program inherits everything; `.env` of the repository is read once",
        "the same without Caravan's own settings (`CARAVAN_*`, `DATABASE_URL`, `REDIS_URL`, `BROKER_URL`, `PROMETHEUS_MULTIPROC_DIR`); `.env` of the"
        " working folder, read again when it changes. Two variables, `CARAVAN_JOB…`, mark a job's processes",
        "the program has no business with our database",
        _SECURITY,
    ),
    AcceptedDifference(
        "output-is-kept",
        "the program's output goes to the service's terminal",
        "it is kept with the job, bounded, for 30 days (`CARAVAN_JOB_OUTPUT_DAYS`); `stdout` and `stderr` of the answer stay the legacy's constant sentences",
        "the keys are the contract; what the program printed is for the operator",
        _OPERATIONS,
    ),
    AcceptedDifference(
        "failures-in-our-words",
        "a failure inside a view is told with the exception's text",
        "an outage and errors of ours are told in their own words, anything else as an internal error; the log has the rest",
        "paths and statements are nobody's business",
        _SECURITY,
    ),
    AcceptedDifference(
        "service-unavailable",
        "there is no database to be away",
        "while ours is away, create and cancel answer 500 with `error`, health 500, the other routes 503 with"
        " `Retry-After`, in the pages of the framework",
        "callers pass the worker's status on and try again",
        _OPERATIONS,
    ),
    AcceptedDifference(
        "limits-of-the-edge",
        "any body, any host name, any rate",
        "413 over `CARAVAN_MAX_BODY_BYTES`, 400 for a host not in `CARAVAN_TRUSTED_HOSTS`, 429 where rate limits are on;"
        " all in the framework's HTML form. Alone, rate limits are off unless set",
        "the addresses ask for no log-in; a page in a browser must not reach them by a forged name",
        _SECURITY,
    ),
    AcceptedDifference(
        "deep-json",
        "`/test` answers 500 to JSON nested deeper than Python goes",
        "400",
        "the body is at fault, not the service",
        _WORKER,
    ),
    AcceptedDifference(
        "page-at-the-root",
        "390 bytes of HTML with the label",
        "another page with the same label in title and heading",
        "the label is what is looked for",
        _WORKER,
    ),
    AcceptedDifference(
        "text-of-moved-and-500",
        "the framework's sentences",
        "308 links to the target, 500 and the edge's errors have our sentences; same form, same headers",
        "nobody reads them; status and Location count",
        _WORKER,
    ),
    AcceptedDifference(
        "no-static",
        "`/static/…` exists without files: GET 404, OPTIONS 200, other methods 405",
        "there is no such address: 404",
        "it was the framework's default, and it never had a file",
        _WORKER,
    ),
    AcceptedDifference(
        "not-http",
        "methods nobody has heard of are 405, bytes above 127 in a path are taken as they are",
        "400 in plain text, before any address is looked at",
        "the server's parser refuses what HTTP does not allow (RFC 9112)",
        _OPERATIONS,
    ),
    AcceptedDifference(
        "own-addresses",
        "`/livez`, `/readyz`, `/startupz`, `/version`, `/metrics`, `/docs` and `/openapi.json` are 404",
        "they answer, for orchestrators and for people",
        "whoever runs it must see whether it runs",
        _OPERATIONS,
    ),
    AcceptedDifference(
        "headers",
        "Server, Date, Content-Type, Content-Length, `Connection: close`",
        "no Server; connections are kept; X-Request-ID and security headers are added",
        "what every answer of Caravan has; no caller reads them",
        _API,
    ),
)


def difference(name: str) -> AcceptedDifference:
    """Return one by its id; raises ``KeyError``."""
    return {each.id: each for each in ACCEPTED}[name]
