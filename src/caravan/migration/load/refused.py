"""What is in quarantine, for the command line."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.core.principal import NotFoundError
from caravan.core.secrets_box import Box
from caravan.migration.load.originals import readable

__all__ = ["Opened", "Refused", "list_quarantine", "quarantined_original"]


@dataclass(frozen=True, slots=True)
class Refused:
    """One refused record; ``key`` is its legacy key where it had one."""

    id: UUID
    migration: str
    data_set: str
    reason: str
    field: str
    detail: str
    key: str | None
    file: str
    byte_offset: int


@dataclass(frozen=True, slots=True)
class Opened:
    """Which original was opened; what an audit entry says of it."""

    org_id: UUID
    id: UUID
    migration: str
    data_set: str
    key: str | None

    @property
    def facts(self) -> dict[str, str | None]:
        return {"migration": self.migration, "data_set": self.data_set, "key": self.key}


def list_quarantine(address: DatabaseAddress, *, migration: str | None, limit: int) -> Iterator[Refused]:
    """Yield what is in quarantine, newest first."""
    with (
        psycopg.connect(_url(address)) as connection,
        connection.cursor(row_factory=class_row(Refused)) as cursor,
    ):
        yield from cursor.execute(
            "SELECT id, migration, data_set, reason, field, detail, key, file, byte_offset FROM engine.quarantine"
            " WHERE %(migration)s::text IS NULL OR migration = %(migration)s"
            " ORDER BY created_at DESC, data_set, ordinal LIMIT %(limit)s",
            {"migration": migration, "limit": limit},
        )


def quarantined_original(
    address: DatabaseAddress, home: Path, entry: UUID, audit: Callable[[Opened], None]
) -> str:
    """Return one record as it stood in the source, as Extended JSON; ``audit`` is told before anybody sees it.

    Raises:
        NotFoundError: there is no such entry, or its bytes are past their retention.
        BoxError: the key is not the one they were sealed with.
    """
    with psycopg.connect(_url(address)) as connection:
        row = connection.execute(
            "SELECT org_id, migration, data_set, key, sealed, purged_at FROM engine.quarantine WHERE id = %s",
            (entry,),
        ).fetchone()
    if row is None:
        raise NotFoundError(f"There is no quarantined record {entry}.")
    org_id, migration, data_set, key, sealed, purged_at = row
    if sealed is None:
        raise NotFoundError(
            f"The bytes of {entry} were purged on {purged_at:%Y-%m-%d}; what was refused and why is kept."
        )
    text = readable(Box(home / "keys" / "quarantine.key"), sealed)
    audit(Opened(org_id, entry, migration, data_set, key))
    return text


def _url(address: DatabaseAddress) -> str:
    return address.libpq(Role.SYSTEM, application="caravan quarantine")
