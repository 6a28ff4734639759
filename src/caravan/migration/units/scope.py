"""Which migration a statement is about, and who asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from caravan.core.database.connection import DatabaseAddress, Role

__all__ = ["Scope", "connected"]


@dataclass(frozen=True, slots=True)
class Scope:
    """One migration of one organisation."""

    org_id: UUID
    migration: str

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that name it in SQL."""
        return {"org": self.org_id, "migration": self.migration}


@contextmanager
def connected(address: DatabaseAddress, *, read_only: bool = False) -> Iterator[psycopg.Connection]:
    """Open a connection in the system's role; transactions are opened by whoever needs one."""
    with psycopg.connect(
        address.libpq(Role.SYSTEM, application="caravan migration"), autocommit=True
    ) as connection:
        connection.read_only = read_only
        yield connection
