"""A private MongoDB-compatible server for a demonstration: the one of `make mongodb-server`, in its folder, on a free port."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from scripts.demo.mariadb import PATIENCE
from scripts.drill.record import DrillError
from scripts.drill.sides import ROOT, program
from tools.free_ports import free_port

__all__ = ["is_there", "private_mongodb"]

_SERVER: Final = ROOT / ".caravan/mongodb-server/bin/secantusd-py"


def is_there() -> bool:
    """Whether this checkout has the server."""
    return _SERVER.exists()


@contextmanager
def private_mongodb(home: Path, database: str) -> Iterator[str]:
    """Run a server that calls itself a replica set of one; yields the URL of a database in it."""
    port = free_port()
    command = [
        str(_SERVER), "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(home / "mongodb"),
        "--cache-size", "64M",
    ]  # fmt: skip
    with program("mongodb", command, home, {}) as server:
        deadline = time.monotonic() + PATIENCE
        while not _answers(port):
            if server.poll() is not None or time.monotonic() > deadline:
                log = (home / "mongodb.log").read_text(errors="replace")
                raise DrillError(f"the server for MongoDB does not answer: {log[-500:]}")
        yield f"mongodb://127.0.0.1:{port}/{database}"


def _answers(port: int) -> bool:
    with MongoClient[dict[str, object]]("127.0.0.1", port, serverSelectionTimeoutMS=500) as client:
        try:
            client.admin.command("ping")
        except PyMongoError:
            return False
        return True
