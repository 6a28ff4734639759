"""Runs in the peer's own environment: one comparison by ``reladiff`` or ``data_diff``, told as JSON on standard output.

``python verify_peer.py MODULE < {"left": {…}, "right": {…}, "columns": […], "threads": 2}``; a side has ``connect`` (what the peer's
driver takes) and ``table``.
"""

import json
import sys
import time
from importlib import import_module
from importlib.metadata import version
from typing import Any


def main() -> None:
    """Compare once."""
    name = sys.argv[1]
    peer = import_module(name)
    asked = json.load(sys.stdin)
    began, used = time.perf_counter(), time.process_time()
    told: dict[str, Any] = {"version": version(name.replace("_", "-"))}
    try:
        sides = [
            peer.connect_to_table(
                asked[side]["connect"], tuple(asked[side]["table"]), "id", thread_count=asked["threads"]
            )
            for side in ("left", "right")
        ]
        extra = tuple(column for column in asked["columns"] if column != "id")
        # The other algorithm joins both tables in one database, which two sides of a migration are not in.
        found = list(
            peer.diff_tables(
                *sides,
                extra_columns=extra,
                algorithm=peer.Algorithm.HASHDIFF,
                max_threadpool_size=asked["threads"],
            )
        )
        told["keys"] = sorted({int(row[0]) for _, row in found})
    except Exception as error:  # noqa: BLE001 - what a peer dies of is a figure too
        told["error"] = f"{type(error).__name__}: {error}"[:300]
    told["client"] = time.process_time() - used
    told["seconds"] = round(time.perf_counter() - began, 3)
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
