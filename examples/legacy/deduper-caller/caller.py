"""A small server with the three routes of the legacy's `api/` that use the deduper queue.

python examples/legacy/deduper-caller/caller.py --port 3000
"""

import argparse
import json
import os
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from queue_calls import Answer, QueueCalls

BASE_URL: Final = "URL_BASE_NEWS_NEXUS_PYTHON_QUEUER"
PREFIX: Final = "/analysis/deduper"
_REPORT: Final = re.compile(r"/request-job/(\d+)")


def answer_to(method: str, path: str, calls: QueueCalls) -> Answer:
    """Return what the route answers."""
    route = path.removeprefix(PREFIX)
    if method == "GET" and (report := _REPORT.fullmatch(route)):
        return calls.request_job(int(report[1]))
    if method == "GET" and route == "/job-list-status":
        return calls.job_list_status()
    if method == "DELETE" and route == "/clear-article-duplicate-analyses-table":
        return calls.clear_table()
    return Answer(404, {"result": False, "message": f"There is no {method} {path}."})


class Handler(BaseHTTPRequestHandler):
    """One request; ``calls`` is set before the server starts."""

    calls: QueueCalls

    def do_GET(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the answers are what counts here."""

    def _answer(self) -> None:
        answer = answer_to(self.command, self.path, self.calls)
        body = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--port", type=int, default=3000)
    database = Path(os.environ["PATH_DATABASE"], os.environ["NAME_DB"])
    Handler.calls = QueueCalls(os.environ.get(BASE_URL, ""), database)
    server = ThreadingHTTPServer(("127.0.0.1", options.parse_args().port), Handler)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
