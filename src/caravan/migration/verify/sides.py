"""Sides as people name them: a source of the migration file, or the platform's own database, and a table there."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.migration.config import MigrationConfig
from caravan.migration.load.readers import SourceUnreadable, without_password
from caravan.migration.verify.errors import VerifyTargetError
from caravan.migration.verify.pairs.tables import Table

__all__ = ["TARGET", "Side", "opened", "side_named"]

TARGET = "target"
_POSTGRES = frozenset({"postgresql", "postgres", "supabase"})
_MARIADB = frozenset({"mysql", "mariadb"})


@dataclass(frozen=True, slots=True)
class Side:
    """A table of a source, or of the target."""

    source: str
    table: str

    def __str__(self) -> str:
        return f"{self.source}:{self.table}"


def side_named(config: MigrationConfig, text: str) -> Side:
    """Read ``shop:orders`` or ``target:orders``.

    Raises:
        VerifyTargetError: the text has no such form, or the file has no such source.
    """
    source, colon, table = text.partition(":")
    if not (colon and source and table):
        raise VerifyTargetError(f"{text!r} names no table of a side")
    if source != TARGET and source not in config.sources:
        there = ", ".join([*config.sources, TARGET])
        raise VerifyTargetError(f"{source!r} is not among [sources]; there are {there}")
    return Side(source, table)


def opened(config: MigrationConfig, database: DatabaseAddress, side: Side, *, connections: int = 1) -> Table:
    """Open a side: its snapshot is taken now. Drivers are imported where they are needed.

    Raises:
        SourceUnreadable: the store cannot be reached, or is none that answers SQL.
        SideLostError: it answers, and not as it should.
        NotComparableError: it has no such table.
    """
    if side.source == TARGET:
        return _postgres(database.libpq(Role.SYSTEM), side.table, connections)
    source = config.sources[side.source]
    kind = source.kind
    if source.url is not None:
        kind = urlsplit(source.url).scheme if kind == "auto" else kind
        if kind in _POSTGRES:
            return _postgres("postgresql://" + source.url.partition("://")[2], side.table, connections)
        if kind in _MARIADB:
            from caravan.migration.verify.stores.mariadb import MariadbTable  # noqa: PLC0415

            return MariadbTable(source.url, side.table)
    path = config.path_of(side.source)
    if path is not None and (kind == "sqlite" or (kind == "auto" and _is_sqlite(path))):
        from caravan.migration.verify.stores.sqlite import SqliteTable  # noqa: PLC0415

        return SqliteTable(path, side.table, source.columns)
    place = path if source.url is None else without_password(source.url)
    raise SourceUnreadable(
        f"{place} holds no tables that answer SQL; verify its data sets through their mapping instead"
    )


def _postgres(address: str, table: str, connections: int) -> Table:
    from caravan.migration.verify.stores.postgres import PostgresTable  # noqa: PLC0415

    return PostgresTable(address, table, connections=connections)


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(16) == b"SQLite format 3\0"
    except OSError:
        return False
