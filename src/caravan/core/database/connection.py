"""One database URL, three roles: the connections of each driver take theirs when they connect."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

__all__ = ["DatabaseAddress", "Role"]


class Role(StrEnum):
    """``OWNER`` migrates, ``APP`` serves and is bound by row-level security, ``SYSTEM`` relays and loads."""

    OWNER = "caravan_owner"
    APP = "caravan_app"
    SYSTEM = "caravan_system"


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """A libpq URL such as ``postgresql://user@/name?host=/run/dir&port=5432``."""

    url: str

    @classmethod
    def parse(cls, url: str) -> "DatabaseAddress":
        """Accept ``postgres://`` and driver suffixes, which other tools write."""
        parts = urlsplit(url)
        return cls(urlunsplit(("postgresql", *parts[1:])))

    def sqlalchemy(self, driver: str = "asyncpg") -> str:
        """Return the URL with SQLAlchemy's driver suffix."""
        return "postgresql+" + driver + self.url.removeprefix("postgresql")

    def libpq(self, role: Role | None, *, application: str = "caravan") -> str:
        """Return the URL for psycopg; the role is set in the start-up packet, so it outlives RESET ALL."""
        parts = urlsplit(self.url)
        query = dict(parse_qsl(parts.query))
        options = query.pop("options", "")
        options = f"{options} {self._options(role)}".strip()
        query |= {"options": options, "application_name": application}
        return urlunsplit(parts._replace(query=urlencode(query, quote_via=quote)))

    def named(self, database: str) -> "DatabaseAddress":
        """Return the address of another database on the same server."""
        return DatabaseAddress(urlunsplit(urlsplit(self.url)._replace(path=f"/{database}")))

    @property
    def database(self) -> str:
        """The name of the database."""
        return urlsplit(self.url).path.lstrip("/") or "postgres"

    @staticmethod
    def _options(role: Role | None) -> str:
        return "-c TimeZone=UTC" + (f" -c role={role}" if role else "")
