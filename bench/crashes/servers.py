"""Servers of the campaign's own, in its folder: an embedded PostgreSQL, and MariaDB where ``mariadbd`` is on PATH."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg

from caravan.core.database import DatabaseAddress
from caravan.core.database.migrate import migrate
from caravan.core.embedded.servers import embedded_servers

__all__ = ["Servers", "campaign_servers", "has_mariadb"]

_PATIENCE: Final = 60.0
_TEMPLATE: Final = "crash_template"


@dataclass(frozen=True, slots=True)
class Servers:
    """``postgres`` is the server; ``mariadb`` the socket of the other one, None where there is none."""

    postgres: DatabaseAddress
    mariadb: Path | None

    def fresh(self, name: str) -> DatabaseAddress:
        """Make a database with the newest schema."""
        self.administer(f'CREATE DATABASE "{name}" TEMPLATE "{_TEMPLATE}" STRATEGY file_copy')
        return self.postgres.named(name)

    def administer(self, *statements: str) -> None:
        with psycopg.connect(self.postgres.libpq(None), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def drop(self, name: str) -> None:
        """Drop a database, and the slots that hold on to it."""
        slots = f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '{name}' AND NOT active"  # noqa: S608 - a name of ours
        self.administer(slots, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def mariadb_url(self, name: str) -> str:
        assert self.mariadb is not None
        return f"mysql://root@localhost/{name}?unix_socket={quote(str(self.mariadb), safe='')}"


def has_mariadb() -> bool:
    """Whether this machine has the server."""
    return all(shutil.which(name) for name in ("mariadbd", "mariadb-install-db"))


@contextmanager
def campaign_servers(folder: Path, *, mariadb: bool, postgres: str | None = None) -> Iterator[Servers]:
    """Run them; ``postgres`` names a server that is there already."""
    if postgres is not None:
        address = DatabaseAddress.parse(postgres)
        with _perhaps_mariadb(folder, wanted=mariadb) as socket:
            servers = _with_template(Servers(address, socket))
            try:
                yield servers
            finally:
                servers.drop(_TEMPLATE)
        return
    with embedded_servers(folder / "pg", want_postgres=True, want_valkey=False, durable=False) as running:
        assert running.postgres is not None
        with _perhaps_mariadb(folder, wanted=mariadb) as socket:
            yield _with_template(Servers(DatabaseAddress.parse(running.postgres.dsn()), socket))


def _with_template(servers: Servers) -> Servers:
    servers.administer(f"DROP DATABASE IF EXISTS {_TEMPLATE}", f"CREATE DATABASE {_TEMPLATE}")
    migrate(servers.postgres.named(_TEMPLATE))
    return servers


@contextmanager
def _perhaps_mariadb(folder: Path, *, wanted: bool) -> Iterator[Path | None]:
    if not wanted:
        yield None
        return
    data, socket, log = folder / "mariadb", folder / "m.sock", folder / "mariadb.log"
    owner = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db",
         "--auth-root-authentication-method=normal", *owner],
        check=True, capture_output=True, timeout=_PATIENCE,
    )  # fmt: skip
    with log.open("wb") as out:
        server = subprocess.Popen(
            ["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={socket}",
             f"--pid-file={folder / 'm.pid'}", "--skip-networking", "--log-bin=binlog", "--server-id=1",
             "--binlog-format=ROW", "--binlog-row-image=FULL", "--innodb-flush-log-at-trx-commit=0",
             "--character-set-server=utf8mb4", *owner],
            stdout=out, stderr=out, start_new_session=True,  # Ctrl-C is for the campaign
        )  # fmt: skip
    try:
        deadline = time.monotonic() + _PATIENCE
        while b"ready for connections" not in log.read_bytes():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"mariadbd does not answer: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield socket
    finally:
        server.terminate()
        try:
            server.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
