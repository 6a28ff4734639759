"""Where a running embedded server is reached."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

__all__ = ["PostgresAddress", "ValkeyAddress"]


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """``host`` is the folder of the Unix socket; ``port`` is only a part of the socket's name."""

    host: str
    port: int = 5432

    @property
    def socket(self) -> Path:
        return Path(self.host) / f".s.PGSQL.{self.port}"

    def dsn(self, database: str = "postgres", user: str = "postgres", driver: str = "") -> str:
        """Return a URL for psycopg and asyncpg, or for SQLAlchemy with ``driver`` ("asyncpg", "psycopg")."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        name = f"{quote(user, safe='')}@/{quote(database, safe='')}"
        return f"{scheme}://{name}?host={quote(self.host, safe='/')}&port={self.port}"


@dataclass(frozen=True, slots=True)
class ValkeyAddress:
    socket: Path

    def redis_url(self, database: int = 0) -> str:
        """Return the URL for redis-py."""
        return f"unix://{quote(str(self.socket))}?db={database}"

    def celery_broker_url(self, database: int = 0) -> str:
        """Return the URL for Celery (kombu's Redis transport over a Unix socket)."""
        return f"redis+socket://{quote(str(self.socket))}?virtual_host={database}"
