"""The writer of a legacy store, by its kind."""

from pathlib import Path

from caravan.migration.capture.errors import CaptureRefusedError
from caravan.migration.capture.options import DEFAULTS, CaptureOptions
from caravan.migration.load.readers import Rules
from caravan.migration.sync.legacy.writer import LegacyWriter

__all__ = ["open_writer"]


def open_writer(
    kind: str, place: str | Path, rules: Rules, options: CaptureOptions = DEFAULTS
) -> LegacyWriter:
    """Return a writer; ``options`` are those that the store's own changes are captured with, so that they know its marks.

    Raises:
        CaptureRefusedError: nothing can be written back to such a source.
        LegacyWriteError: the store cannot be reached.
    """
    if kind in {"mariadb", "mysql"}:
        from caravan.migration.sync.legacy.mariadb import MariadbDialect  # noqa: PLC0415 - the driver is an extra
        from caravan.migration.sync.legacy.sql_writer import SqlWriter  # noqa: PLC0415

        return SqlWriter(MariadbDialect(str(place), kind, options))
    if kind in {"postgresql", "supabase"}:
        from caravan.migration.sync.legacy.postgres import PostgresDialect  # noqa: PLC0415
        from caravan.migration.sync.legacy.sql_writer import SqlWriter  # noqa: PLC0415

        return SqlWriter(PostgresDialect(str(place), kind, options))
    if kind == "sqlite":
        from caravan.migration.sync.legacy.sql_writer import SqlWriter  # noqa: PLC0415
        from caravan.migration.sync.legacy.sqlite import SqliteDialect  # noqa: PLC0415

        return SqlWriter(SqliteDialect(Path(place), rules, options))
    if kind == "mongodb":
        from caravan.migration.sync.legacy.mongodb import MongodbWriter  # noqa: PLC0415

        return MongodbWriter(str(place))
    raise CaptureRefusedError(f"nothing can be written back to a source of the kind {kind}")
