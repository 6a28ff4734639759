"""The port we are about to take, and the folder in which processes that share it count together."""

import errno
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Final

from caravan.core.errors import CaravanError
from caravan.core.settings import Settings

__all__ = ["PortTakenError", "listening_socket", "metrics_folder", "refuse_taken_port"]

_PATIENCE: Final = 3.0


class PortTakenError(CaravanError):
    code = "port_taken"
    status = 500
    title = "The port is in use"
    fix = "Stop the other program, or choose another port with --port or CARAVAN_PORT."


def refuse_taken_port(host: str, port: int, *, patience: float = _PATIENCE) -> None:
    """Raise ``PortTakenError`` when somebody listens there; without this a shared port would hide it.

    Waits ``patience`` seconds for it to become free: processes of a killed service need a moment to end.
    """
    deadline = time.monotonic() + patience
    while (problem := _problem(host, port)) is not None:
        if problem.errno != errno.EADDRINUSE or time.monotonic() > deadline:
            raise PortTakenError(f"Cannot listen on {host}:{port}: {problem.strerror}.")
        time.sleep(0.1)


def _problem(host: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            return error
    return None


def listening_socket(host: str, port: int) -> socket.socket:
    """Return this process's own listening socket on the shared port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host.strip("[]"), port))
    return listener


@contextmanager
def metrics_folder(settings: Settings, *, jobs: bool = False) -> Iterator[Mapping[str, str]]:
    """Make the folder of shared counters afresh for several processes; nothing is needed for one.

    With ``jobs`` the process that runs them counts too.
    """
    if settings.processes == 1 and not jobs:
        yield {}
        return
    folder = settings.home.resolve() / "run" / f"metrics-{settings.port}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
