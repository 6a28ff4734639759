"""What a load is asked to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from typing import Final, TypeAlias
from uuid import UUID

from caravan.core.database.connection import DatabaseAddress
from caravan.migration.config import MigrationConfig
from caravan.migration.load.chunk_commit import ChunkGuard
from caravan.migration.load.planning import Plan
from caravan.migration.load.readers import Reader

__all__ = ["DEFAULT_WORKERS", "Beside", "LoadRequest", "Tenants"]

Tenants: TypeAlias = Callable[[str, str | None], tuple[UUID, UUID | None]]
"""Returns (org id, client id) of the organisation and the client that the file names; makes them when absent."""

Beside: TypeAlias = Callable[[Plan, Mapping[str, Reader]], Mapping[str, ChunkGuard]]
"""Returns the guards, by data set, of those whose source is followed while it is loaded; raises where that cannot be."""

DEFAULT_WORKERS: Final = min(cpu_count() or 1, 2)
"""Two keep a load below 400 MB in all, and PostgreSQL wants the other processors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """``source_override`` replaces the path of every source; ``limit`` is records per data set; ``workers`` 0 maps in this process.

    ``readers``: processes that read large live tables side by side; None means one for three workers, which is what they keep busy.
    """

    config: MigrationConfig
    database: DatabaseAddress
    tenants: Tenants
    home: Path
    source_override: Path | None = None
    limit: int | None = None
    dry_run: bool = False
    workers: int = DEFAULT_WORKERS
    beside: Beside | None = None
    readers: int | None = None
    as_text: bool = True

    @property
    def reading_processes(self) -> int:
        """How many processes read large live tables; below two one connection of this process reads."""
        return self.workers // 3 if self.readers is None else self.readers

    @property
    def key_path(self) -> Path:
        """The key of quarantined bytes."""
        return self.home / "keys" / "quarantine.key"
