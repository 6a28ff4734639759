"""A MariaDB of a benchmark's own: a folder, a socket, a free port of this machine alone."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PrivateMariadb", "private_mariadb"]


@dataclass(frozen=True, slots=True)
class PrivateMariadb:
    """Reached by ``root`` without a password."""

    socket: Path
    port: int


@contextmanager
def private_mariadb(home: Path) -> Iterator[PrivateMariadb]:
    """Start a server below ``home``, whose path must be short, and end it with the block."""
    home.mkdir()
    owner = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={home / 'data'}", "--skip-test-db",
         "--auth-root-authentication-method=normal", *owner],
        check=True, capture_output=True,
    )  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    program = shutil.which("mariadbd") or "mariadbd"
    # A folder of its own: a server that starts clears what others keep in the one they share.
    server = subprocess.Popen(
        [program, "--no-defaults", f"--datadir={home / 'data'}", f"--socket={home / 's'}", f"--port={port}",
         "--bind-address=127.0.0.1", f"--tmpdir={home}", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=1G",
         "--character-set-server=utf8mb4", f"--log-error={home / 'log.err'}", f"--pid-file={home / 'mariadb.pid'}", *owner],
    )  # fmt: skip
    try:
        _await(server, home / "log.err")
        yield PrivateMariadb(home / "s", port)
    finally:
        server.terminate()
        server.wait(60)


def _await(server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while not log.exists() or b"ready for connections" not in log.read_bytes():
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("mariadbd does not start")
        time.sleep(0.05)
