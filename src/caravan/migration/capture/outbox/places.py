"""Gives the lines of an outbox their places: in the order in which they are met committed, never back.

A line is visible when its transaction has committed. It gets a place above all that were given before, so a transaction that
took its number early and committed late comes behind those that overtook it; nobody waits for gaps. Lines of one read that
carry the same tag get one place together.
"""

from itertools import groupby
from typing import Final

from caravan.migration.capture.outbox.dialect import Dialect
from caravan.migration.capture.stores.sqlite_store import SqliteStore
from caravan.migration.capture.stores.store import Store

__all__ = ["forget_lines", "forgotten", "last_place", "place_lines"]

_FORGOTTEN: Final = 10_000
"""Lines deleted at once."""


def last_place(store: Store, dialect: Dialect) -> int:
    """Return the last place given."""
    return int(store.texts(f"SELECT place FROM {dialect.state}")[0][0])  # noqa: S608 - quoted


def forget_lines(store: Store, dialect: Dialect, upto: int) -> None:
    """Delete the lines up to a place, some at a time, and remember that they are gone."""
    store.run(f"UPDATE {dialect.state} SET forgotten = {upto} WHERE forgotten < {upto}")  # noqa: S608 - quoted
    while True:
        lines = store.texts(
            f"SELECT seq FROM {dialect.outbox} WHERE place <= {upto} ORDER BY place, seq LIMIT {_FORGOTTEN}"  # noqa: S608 - quoted
        )
        if not lines:
            return
        among = ", ".join(seq for (seq,) in lines)
        store.run(dialect.deleting(among))


def forgotten(store: Store, dialect: Dialect) -> int:
    """Return the last place whose lines were deleted."""
    return int(store.texts(f"SELECT forgotten FROM {dialect.state}")[0][0])  # noqa: S608 - quoted


def place_lines(store: Store, dialect: Dialect, most: int) -> bool:
    """Place up to ``most`` lines; tell whether there may be more."""
    waiting = f"SELECT 1 FROM {dialect.outbox} WHERE place IS NULL LIMIT 1"  # noqa: S608 - quoted
    if not store.texts(waiting):
        return False  # without a transaction that writes, which in SQLite keeps everybody else from writing
    # The lock keeps a second capture from giving the same place; in SQLite the transaction itself does.
    lock = "" if isinstance(store, SqliteStore) else " FOR UPDATE"
    with store.writing():
        ((last,),) = store.texts(f"SELECT place FROM {dialect.state}{lock}")  # noqa: S608 - quoted
        lines = store.texts(
            f"SELECT seq, tag FROM {dialect.outbox} WHERE place IS NULL ORDER BY seq LIMIT {most}"  # noqa: S608 - quoted
        )
        place = int(last)
        for _tag, run in groupby(lines, key=lambda line: line[1]):
            place += 1
            store.run(dialect.placing(place, ", ".join(seq for seq, _ in run)))
        if lines:
            store.run(f"UPDATE {dialect.state} SET place = {place}")  # noqa: S608 - quoted
    return len(lines) == most
