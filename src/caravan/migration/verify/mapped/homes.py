"""Records that were born on our side and written back: their legacy keys give other ids than their rows have here.

``engine.row_aliases`` says which stands for which; a record of the source is brought to the row that is there before the two are held
against each other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import psycopg

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.migration.load.mapped_chunk import MappedChunk
from caravan.migration.mapping.contract import TargetTable
from caravan.migration.sync.aliases import Aliases, brought_home

__all__ = ["Homes"]


@dataclass(frozen=True, slots=True)
class Homes:
    """The ids that rows of one migration have here. It goes to other processes by pickle and connects where it is used."""

    database: DatabaseAddress
    org_id: UUID
    migration: str

    @classmethod
    def of(cls, database: DatabaseAddress, scope: Mapping[str, Any]) -> Self | None:
        """Return them; None where no row of the migration was born on our side, so that nobody has to look."""
        homes = cls(database, scope["org"], scope["migration"])
        with homes._aliases() as aliases:
            return homes if aliases.there_are() else None

    def bring(self, mapped: MappedChunk, tables: Sequence[TargetTable]) -> None:
        """Give a chunk's records the ids that their rows have."""
        with self._aliases() as aliases:
            brought_home(mapped, tables, (), aliases)

    def ids(self, computed: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return the ids that rows have, by those that their keys give, where they are others."""
        with self._aliases() as aliases:
            return aliases.of(computed)

    @contextmanager
    def _aliases(self) -> Iterator[Aliases]:
        with psycopg.connect(
            self.database.libpq(Role.SYSTEM, application="caravan verify"), autocommit=True
        ) as connection:
            yield Aliases(connection, {"org": self.org_id, "migration": self.migration})
