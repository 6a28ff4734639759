"""A fence of SQLite: triggers that RAISE, all put up in one transaction that takes the write lock first.

``BEGIN IMMEDIATE`` waits until whoever writes has ended, so nothing older than the fence can still commit. The applier passes by a row
in the table of tags that it writes first and deletes last in its own transaction: nobody else ever sees it. SQLite cannot say who is
connected; programs that have the file open are listed instead, as far as the machine tells.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

import psutil

from caravan.migration.cutover.errors import FenceRefusedError
from caravan.migration.cutover.fences.names import PREFIX, TAG_TABLE, fence_name, said, transition_of
from caravan.migration.cutover.parties import Writer
from caravan.migration.load.readers.sqlite import quoted

__all__ = ["SqliteFence"]

_EVENTS: Final = ("INSERT", "UPDATE", "DELETE")
_TRIGGERS: Final = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, ?) = ?"
_ANY: Final = "SELECT 1 FROM"
_LEAST: Final = 0.05


class SqliteFence:
    """``tables`` of the file's main schema; ``tags`` is the table in which the applier says that it is one (that of its capture)."""

    def __init__(self, path: Path, tables: Sequence[str], *, tags: str = TAG_TABLE) -> None:
        self._path = path
        self._tables = sorted(tables)
        self._tags = quoted(tags)

    @property
    def limits(self) -> Sequence[str]:
        return (
            "DROP TABLE is not stopped: SQLite has no rights",
            "SQLite does not tell who is connected; programs on other machines are not seen",
        )

    def standing(self) -> Sequence[UUID]:
        with self._connected() as connection:
            found = {transition_of(name) for name in self._triggers(connection, PREFIX)}
        return sorted(one for one in found if one is not None)

    def is_up(self, transition: UUID) -> bool:
        with self._connected() as connection:
            there = set(self._triggers(connection, fence_name(transition)))
        return {name for name, *_ in self._wanted(transition)} <= there

    def put_up(self, transition: UUID, *, within: float) -> None:
        with self._writing(within) as connection:
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {self._tags} (one INTEGER PRIMARY KEY, tag TEXT NOT NULL)"
            )
            for name, table, event in self._wanted(transition):
                told = said(table).replace("'", "''")
                connection.execute(
                    f"CREATE TRIGGER IF NOT EXISTS {quoted(name)} BEFORE {event} ON {quoted(table)}"
                    f" WHEN NOT EXISTS ({_ANY} {self._tags})"
                    f" BEGIN SELECT RAISE(ABORT, '{told}'); END"
                )

    def take_down(self, transition: UUID, *, within: float) -> None:
        with self._writing(within) as connection:
            for name in self._triggers(connection, fence_name(transition)):
                connection.execute(f"DROP TRIGGER IF EXISTS {quoted(name)}")

    def old_transactions(self) -> Sequence[Writer]:
        """Return nothing: whoever wrote before has ended before the triggers could be written."""
        return []

    def writers(self) -> Sequence[Writer]:
        return [Writer(name, f"process {pid} has the file open") for pid, name in self._programs()]

    def by_hand(self, transition: UUID) -> Sequence[str]:
        return [f"DROP TRIGGER IF EXISTS {quoted(name)};" for name, *_ in self._wanted(transition)]

    def _wanted(self, transition: UUID) -> list[tuple[str, str, str]]:
        """Return name, table and event of every trigger."""
        return [
            (f"{fence_name(transition)}_{event.lower()}_{table}", table, event)
            for table in self._tables
            for event in _EVENTS
        ]

    @staticmethod
    def _triggers(connection: sqlite3.Connection, prefix: str) -> list[str]:
        return [str(row[0]) for row in connection.execute(_TRIGGERS, (len(prefix), prefix))]

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=1.0)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def _writing(self, within: float) -> Iterator[sqlite3.Connection]:
        """Hold the write lock; raises ``FenceRefusedError`` when somebody else does not let it go in time."""
        with self._connected() as connection:
            began = time.monotonic()
            connection.execute(f"PRAGMA busy_timeout = {int(max(_LEAST, within) * 1000)}")
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                waited = time.monotonic() - began
                raise FenceRefusedError(
                    f"{self._path.name}: another program held the write lock for {waited:.2g} s."
                ) from None
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    def _programs(self) -> list[tuple[int, str]]:
        """Return other processes that have the file open, as far as we may look."""
        own, path = psutil.Process().pid, str(self._path.resolve())
        found = []
        for process in psutil.process_iter(["name"]):
            try:
                opened = any(each.path == path for each in process.open_files())
            except (psutil.Error, OSError):
                continue
            if opened and process.pid != own:
                found.append((process.pid, str(process.info["name"])))
        return found
