"""The three calls to the queue, and what becomes of their answers."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

__all__ = ["Answer", "QueueCalls"]

_FIRST_ERROR: Final = 400


@dataclass(frozen=True)
class Answer:
    """What the caller's own client gets."""

    status: int
    body: Any


class QueueCalls:
    """The use of one queue; ``base_url`` is what the operator configured, empty when nothing is."""

    def __init__(self, base_url: str, database: Path) -> None:
        self._base_url = base_url
        self._database = database
        self._client = httpx2.Client(follow_redirects=True, timeout=None)  # the original has none

    def request_job(self, report: int) -> Answer:
        """Start a job for a report that has articles."""
        articles = self._articles(report)
        if articles == 0:
            return Answer(404, {"result": False, "message": f"Report {report} has no articles."})
        if not self._base_url:
            return Answer(500, {"result": False, "message": "The base URL of the queue is not configured."})

        def started(body: Any) -> Answer:  # noqa: ANN401 - any JSON
            return Answer(
                201,
                {
                    "result": True,
                    "message": "The job was requested.",
                    "articleCount": articles,
                    "pythonQueuerResponse": body,
                },
            )

        return self._ask("GET", f"deduper/jobs/reportId/{report}", started)

    def job_list_status(self) -> Answer:
        """Return the queue's list word for word."""
        return self._ask("GET", "deduper/jobs/list", lambda body: Answer(200, body))

    def clear_table(self) -> Answer:
        """Empty the table of pairs."""

        def cleared(body: Any) -> Answer:  # noqa: ANN401 - any JSON
            told = {"result": True, "message": "The table was cleared.", "pythonQueuerResponse": body}
            return Answer(200, told)

        return self._ask("DELETE", "deduper/clear-db-table", cleared)

    def _ask(self, method: str, path: str, then: Callable[[Any], Answer]) -> Answer:
        failed: Mapping[str, Any] = {"result": False, "message": "The queue could not be used."}
        try:
            # No slash is added, as in the original: a base URL without one names a host that does not exist.
            answer = self._client.request(method, self._base_url + path)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return Answer(500, {**failed, "error": str(error)})
        body = _read(answer)
        if answer.status_code >= _FIRST_ERROR:
            told = f"Request failed with status code {answer.status_code}"
            return Answer(answer.status_code, {**failed, "error": told, "pythonQueuerResponse": body})
        return then(body)

    def _articles(self, report: int) -> int:
        with closing(sqlite3.connect(self._database)) as connection:
            found = connection.execute(
                "SELECT count(*) FROM ArticleReportContracts WHERE reportId = ?", (report,)
            )
            count: int = found.fetchone()[0]
            return count


def _read(answer: httpx2.Response) -> Any:  # noqa: ANN401 - any JSON
    """Return the body as JSON, or as text when it is none."""
    try:
        return json.loads(answer.text)
    except ValueError:
        return answer.text
