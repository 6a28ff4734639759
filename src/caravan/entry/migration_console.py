"""The console that `caravan run` starts beside gateway and conductor, and who may come in when the file names nobody."""

import getpass
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from caravan.core.processes import Child
from caravan.core.settings import Settings
from caravan.migration.config import MigrationConfig
from caravan.migration.console import new_token, token_digest

__all__ = ["ConsoleDoor", "console_child", "console_door"]

_LOCAL: Final = "localhost"


@dataclass(frozen=True, slots=True)
class ConsoleDoor:
    """Where the console is; ``operator`` and ``token`` are of this run alone, and None where the file has operators.

    ``closed``: there is nobody who could log in.
    """

    url: str
    operator: str | None = None
    token: str | None = None
    closed: bool = False

    def told(self) -> str:
        """Return a line for the terminal."""
        if self.token is not None:
            return f"console {self.url}/console  operator {self.operator}  token {self.token} (of this run)"
        if self.closed:
            return f"console {self.url}/console  nobody can log in: `caravan migration operator NAME` makes an operator"
        return f"console {self.url}/console"


def console_door(settings: Settings, config: MigrationConfig) -> ConsoleDoor:
    """Return where it is. With no operator in the file a token for this run is made, where only this machine can use it."""
    host = f"[{settings.console_host}]" if ":" in settings.console_host else settings.console_host
    url = (settings.console_url or f"http://{host}:{settings.console_port}").rstrip("/")
    if config.operators or not _loopback(settings.console_host):
        return ConsoleDoor(url, closed=not config.operators)
    return ConsoleDoor(url, getpass.getuser(), new_token())


def console_child(
    settings: Settings, config: MigrationConfig, door: ConsoleDoor, environment: Mapping[str, str]
) -> Child:
    """Return the process; of a token for this run it gets the digest alone."""
    more = [door.operator, token_digest(door.token)] if door.operator and door.token else []
    command = [sys.executable, "-m", "caravan.entry.console", str(config.file.resolve()), *more]
    own = {
        **environment,
        "CARAVAN_HOST": settings.console_host,
        "CARAVAN_PORT": str(settings.console_port),
        "CARAVAN_PUBLIC_URL": door.url,
        "CARAVAN_PROCESSES": "1",
    }
    return Child("console", command, own)


def _loopback(host: str) -> bool:
    try:
        return host == _LOCAL or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
