"""Where PostgreSQL and Redis are: yours by URL, or the embedded ones for as long as the command runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog

from caravan.core.database import DatabaseAddress
from caravan.core.embedded.errors import EmbeddedServerError
from caravan.core.embedded.servers import RunningServers, embedded_servers
from caravan.core.embedded.shared_server import Report
from caravan.core.processes import Watch
from caravan.core.settings import Settings

__all__ = ["Addresses", "opened_servers"]

log = structlog.get_logger(__name__)

_LOOK_EVERY: Final = 1.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """What a process needs to reach the servers; ``redis_url`` and ``broker_url`` are None when not asked for."""

    database: DatabaseAddress
    redis_url: str | None
    broker_url: str | None
    running: RunningServers = field(default=RunningServers(None, None), repr=False)

    def environment(self) -> Mapping[str, str]:
        """Return what a child process needs so that it starts no servers of its own."""
        values = {
            "DATABASE_URL": self.database.url,
            "REDIS_URL": self.redis_url,
            "BROKER_URL": self.broker_url,
        }
        return {name: value for name, value in values.items() if value is not None}

    def watches(self, report: Report | None = None) -> list[Watch]:
        """Return what brings an embedded server back that died while we run; nothing for servers of yours."""

        def look() -> None:
            try:
                self.running.bring_back(report)
            except EmbeddedServerError as error:
                log.warning("server.stays_away", problem=error.message)  # and is tried again

        return [Watch(_LOOK_EVERY, look)] if self.running.servers else []


@contextmanager
def opened_servers(settings: Settings, *, redis: bool, report: Report | None = None) -> Iterator[Addresses]:
    """Give the addresses; servers that no setting names are started, and stopped by their last user."""
    want_postgres = settings.database_url is None
    want_valkey = redis and settings.redis_url is None
    with embedded_servers(
        settings.home, want_postgres=want_postgres, want_valkey=want_valkey, report=report
    ) as running:
        database = settings.database_url or (running.postgres.dsn() if running.postgres else "")
        redis_url = settings.redis_url or (running.valkey.redis_url() if running.valkey else None)
        broker = settings.broker_url or (
            running.valkey.celery_broker_url() if running.valkey else settings.redis_url
        )
        yield Addresses(DatabaseAddress.parse(database), redis_url, broker, running)
