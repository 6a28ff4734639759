"""The Flask stand-in of `examples/legacy/deduper-flask` with so many ended jobs in its table.

``python bench/deduper_flask_served.py PORT JOBS werkzeug|waitress``: under the server that the legacy ran on, a thread per
connection and a line per request; or under waitress with 8 threads and no line.
"""

import sys
from pathlib import Path
from typing import Any

import waitress  # type: ignore[import-untyped]  # it has no types

_THREADS = 8
_FOLDER = Path(__file__).parents[1] / "examples/legacy/deduper-flask"


def main() -> None:
    port, jobs, server = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    sys.path.insert(0, str(_FOLDER))
    from app import app  # noqa: PLC0415 - on the path from here on

    _fill(jobs)
    if server == "werkzeug":
        app.run("127.0.0.1", port, threaded=True, load_dotenv=False)
        return
    # More connections at once than its usual hundred, or a burst would meet a closed door.
    waitress.serve(
        app, host="127.0.0.1", port=port, threads=_THREADS, connection_limit=1000, backlog=1024, _quiet=True
    )


def _fill(jobs: int) -> None:
    """Put ended jobs into the table, as if they had run."""
    import job_table  # noqa: PLC0415 - on the path from here on

    table: dict[int, Any] = job_table.JOBS
    for number in range(1, jobs + 1):
        stamp = job_table.now()
        table[number] = job_table.Job(
            number, None, "cancelled", started_at=stamp, completed_at=stamp, exit_code=-15
        )
    job_table._last = jobs  # noqa: SLF001 - its counter


if __name__ == "__main__":
    main()
