"""Preparing and removing a slot by the address of its server."""

from collections.abc import Sequence
from contextlib import closing

from caravan.migration.capture.changes import Position
from caravan.migration.capture.options import CaptureOptions
from caravan.migration.capture.slot.preparing import prepare_slot, remove_slot, slot_statements
from caravan.migration.capture.slot.requirements import chosen_tables, identity_statements, obstacles
from caravan.migration.capture.stores.postgres_connection import connect_postgres, stopping
from caravan.migration.load.readers import without_password

__all__ = ["obstacles_of", "prepare", "remove", "statements"]


def prepare(url: str, names: Sequence[str], options: CaptureOptions) -> Position:
    """See ``prepare_changes``."""
    place = without_password(url)
    with closing(connect_postgres(url)) as connection:
        with stopping(place):
            tables = chosen_tables(connection, names, place)
        return prepare_slot(connection, tables, options, place)


def statements(url: str, names: Sequence[str], options: CaptureOptions) -> list[str]:
    """See ``capture_statements``."""
    place = without_password(url)
    with closing(connect_postgres(url)) as connection, stopping(place):
        return slot_statements(connection, chosen_tables(connection, names, place), options)


def obstacles_of(
    url: str, names: Sequence[str], options: CaptureOptions
) -> list[tuple[str, tuple[str, ...]]]:
    """Return what keeps this role from following these tables by a slot, each with the statements that would help."""
    place = without_password(url)
    with closing(connect_postgres(url)) as connection, stopping(place):
        identity_statements(connection, chosen_tables(connection, names, place), options)
        return list(obstacles(connection))


def remove(url: str, options: CaptureOptions) -> None:
    """See ``remove_changes``."""
    with closing(connect_postgres(url)) as connection:
        remove_slot(connection, options, without_password(url))
