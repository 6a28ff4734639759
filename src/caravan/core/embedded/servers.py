"""The servers a command needs, for as long as it runs."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caravan.core.embedded.addresses import PostgresAddress, ValkeyAddress
from caravan.core.embedded.postgres import EmbeddedPostgres
from caravan.core.embedded.shared_server import Report, SharedServer
from caravan.core.embedded.valkey import EmbeddedValkey

__all__ = ["RunningServers", "embedded_servers"]


@dataclass(frozen=True, slots=True)
class RunningServers:
    """Each is None when it was not wanted."""

    postgres: PostgresAddress | None
    valkey: ValkeyAddress | None
    servers: Sequence[SharedServer[Any]] = ()

    def bring_back(self, report: Report | None = None) -> bool:
        """Start again what has died since, at the same address; returns whether anything had. Raises `EmbeddedServerError`."""
        dead = [server for server in self.servers if server.running() is None]
        for server in dead:
            server.stop()
            server.start(report)
        return bool(dead)


@contextlib.contextmanager
def embedded_servers(
    home: Path,
    *,
    want_postgres: bool,
    want_valkey: bool,
    report: Report | None = None,
    die_with_parent: bool = False,
    durable: bool = True,
) -> Iterator[RunningServers]:
    """Start (or attach to) what is wanted, side by side; at the end stop each, or leave it to its other users.

    ``durable=False`` and ``die_with_parent`` are for tests, see `EmbeddedPostgres` and `SharedServer`.
    """
    valkey = EmbeddedValkey(home, die_with_parent=die_with_parent) if want_valkey else None
    postgres = (
        EmbeddedPostgres(home, die_with_parent=die_with_parent, durable=durable) if want_postgres else None
    )
    with contextlib.ExitStack() as stop:
        # Always in this order: each holds its gate from begin() to wait(), and two processes must not cross.
        wanted = [server for server in (valkey, postgres) if server is not None]
        for server in wanted:
            stop.callback(server.stop)
            server.begin(report)
        yield RunningServers(
            postgres=postgres.wait() if postgres else None,
            valkey=valkey.wait() if valkey else None,
            servers=wanted,
        )
