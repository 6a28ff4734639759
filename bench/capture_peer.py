"""Runs in an environment of its own: the simplest loop over ``pymysqlreplication`` that applies rows with psycopg.

``python capture_peer.py < {"socket": …, "file": …, "offset": 4, "target": "postgresql://…", "blocking": false, "commit_every": 1}``.
``commit_every`` rows make a transaction; 1 commits each event of the log as it comes, as a loop of a dozen lines does.
"""

import json
import logging
import sys
import time
from typing import Any

import psycopg
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent

_COLUMNS = ("id", "customer", "name", "note", "total", "paid", "placed", "written")
_UPSERT = (
    f"INSERT INTO orders ({', '.join(_COLUMNS)}) VALUES ({', '.join(f'%({name})s' for name in _COLUMNS)})"  # noqa: S608 - made of constants
    f" ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}"
)
_DELETE = "DELETE FROM orders WHERE id = %(id)s"
_LONGEST = 0.05
"""Seconds after which what was gathered is committed, where rows are gathered."""


def main() -> None:
    """Apply until the end of the log, or until killed."""
    logging.disable()
    asked = json.load(sys.stdin)
    stream = BinLogStreamReader(
        connection_settings={"unix_socket": asked["socket"], "user": "root"},
        server_id=4711,
        log_file=asked["file"],
        log_pos=asked["offset"],
        resume_stream=True,
        blocking=asked["blocking"],
        only_schemas=["bench"],
        only_tables=["orders"],
        only_events=[WriteRowsEvent, UpdateRowsEvent, DeleteRowsEvent],
        enable_logging=False,
    )
    with psycopg.connect(asked["target"]) as connection:
        print("ready", flush=True)
        waiting, since = 0, time.monotonic()
        for event in stream:
            waiting += _apply(connection, event)
            if waiting >= asked["commit_every"] or time.monotonic() - since > _LONGEST:
                connection.commit()
                waiting, since = 0, time.monotonic()
    stream.close()


def _apply(connection: psycopg.Connection, event: Any) -> int:  # noqa: ANN401 - the library has no types
    for row in event.rows:
        if isinstance(event, DeleteRowsEvent):
            connection.execute(_DELETE, row["values"])
            continue
        values = row["after_values"] if isinstance(event, UpdateRowsEvent) else row["values"]
        connection.execute(_UPSERT, {**values, "paid": bool(values["paid"])})
    return len(event.rows)


if __name__ == "__main__":
    main()
