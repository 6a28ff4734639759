"""A private MariaDB for a demonstration: from `mariadbd` on PATH, in its folder, reached by a socket file alone."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from scripts.drill.record import DrillError
from scripts.drill.sides import program

__all__ = ["PATIENCE", "is_there", "private_mariadb"]

PATIENCE: Final = 60.0


def is_there() -> bool:
    """Whether this machine has the server."""
    return all(shutil.which(name) for name in ("mariadbd", "mariadb-install-db"))


@contextmanager
def private_mariadb(home: Path, database: str) -> Iterator[str]:
    """Run a server that logs rows; yields the URL of a database in it, which is still to be made."""
    data, socket = home / "mariadb", home / "m.sock"
    owner = ["--user=root"] if os.geteuid() == 0 else []
    made = subprocess.run(  # noqa: S603 - the server's own program
        ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db",  # noqa: S607 - of PATH
         "--auth-root-authentication-method=normal", *owner],
        check=False, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    if made.returncode:
        raise DrillError(f"mariadb-install-db ended with {made.returncode}: {made.stderr[-500:]}")
    command = [
        "mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={socket}", f"--pid-file={home / 'm.pid'}",
        "--skip-networking", "--log-bin=binlog", "--server-id=1", "--binlog-format=ROW", "--binlog-row-image=FULL",
        "--character-set-server=utf8mb4", *owner,
    ]  # fmt: skip
    with program("mariadb", command, home, {}) as server:
        log = home / "mariadb.log"
        deadline = time.monotonic() + PATIENCE
        while b"ready for connections" not in log.read_bytes():
            if server.poll() is not None or time.monotonic() > deadline:
                raise DrillError(f"mariadbd does not answer: {log.read_text(errors='replace')[-500:]}")
            time.sleep(0.05)
        yield f"mysql://root@localhost/{database}?unix_socket={quote(str(socket), safe='')}"
