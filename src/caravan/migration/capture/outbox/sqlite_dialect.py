# ruff: noqa: S608 - statements are what this file is for; names and literals in them are quoted
"""The outbox in a SQLite file: three triggers per table, and two more for each further unique index.

INSERT OR REPLACE deletes rows that conflict by another unique index without firing their delete triggers
(https://www.sqlite.org/lang_conflict.html), so the keys of rows that might be hit are noted before.
"""

from collections.abc import Iterator, Mapping

from caravan.migration.capture.stores.sqlite_store import SqliteStore
from caravan.migration.load.readers import SourceTable
from caravan.migration.load.readers.sqlite import quoted

__all__ = ["SqliteDialect"]


class SqliteDialect:
    def __init__(self, store: SqliteStore, name: str) -> None:
        self._store = store
        self._name = name
        self.outbox = quoted(f"{name}_outbox")
        self.state = quoted(f"{name}_outbox_state")
        self._tag = quoted(f"{name}_tag")

    def making(self) -> list[str]:
        return [
            (
                f"CREATE TABLE IF NOT EXISTS {self.outbox} (seq INTEGER PRIMARY KEY AUTOINCREMENT, place INTEGER,"
                " collection TEXT NOT NULL, key TEXT, tag TEXT NOT NULL, at TEXT NOT NULL)"
            ),
            f"CREATE INDEX IF NOT EXISTS {quoted(f'{self._name}_outbox_place')} ON {self.outbox} (place, seq)",
            f"CREATE TABLE IF NOT EXISTS {self.state} (one INTEGER PRIMARY KEY, place INTEGER NOT NULL, forgotten INTEGER NOT NULL)",
            f"INSERT OR IGNORE INTO {self.state} VALUES (1, 0, 0)",
            f"CREATE TABLE IF NOT EXISTS {self._tag} (one INTEGER PRIMARY KEY, tag TEXT NOT NULL)",
        ]

    def noting(self, table: SourceTable) -> list[str]:
        made = []
        for trigger, fires, rows in self._triggers(table):
            made.append(f"DROP TRIGGER IF EXISTS {trigger}")
            made.append(f"CREATE TRIGGER {trigger} {fires} ON {quoted(table.name)} BEGIN {rows} END")
        return made

    def removing(self, tables: Mapping[str, SourceTable]) -> list[str]:
        drops = [
            f"DROP TRIGGER IF EXISTS {trigger}"
            for table in tables.values()
            for trigger, _, _ in self._triggers(table)
        ]
        return [*drops, *(f"DROP TABLE IF EXISTS {name}" for name in (self.outbox, self.state, self._tag))]

    def placing(self, place: int, sequence: str) -> str:
        return f"UPDATE {self.outbox} SET place = {place} WHERE seq IN ({sequence})"

    def deleting(self, sequence: str) -> str:
        return f"DELETE FROM {self.outbox} WHERE seq IN ({sequence})"

    def missing(self, tables: Mapping[str, SourceTable]) -> str:
        there = {(row[0], row[1]) for row in self._store.texts(
            "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'"
        )}  # fmt: skip
        for name, table in tables.items():
            if any((name, trigger.strip('"')) not in there for trigger, _, _ in self._triggers(table)):
                return f"a trigger of table {name} was dropped"
        return ""

    def _triggers(self, table: SourceTable) -> Iterator[tuple[str, str, str]]:
        """Yield the name of each trigger, when it fires, and its statements."""
        old, new = (self._store.key_literal(table, row) for row in ("OLD.", "NEW."))
        for act, keys in (("INSERT", [new]), ("UPDATE", [old, new]), ("DELETE", [old])):
            yield (
                quoted(f"{self._name} {act.lower()} {table.name}"),
                f"AFTER {act}",
                " ".join(self._note(table, key) for key in keys),
            )
        hit = self._store.key_literal(table, "")
        for number, columns in enumerate(self._unique(table)):
            same = " AND ".join(f"{quoted(name)} = NEW.{quoted(name)}" for name in columns)
            for act in ("INSERT", "UPDATE"):
                yield (
                    quoted(f"{self._name} {act.lower()} {number} {table.name}"),
                    f"BEFORE {act}",
                    self._note(table, hit, f" FROM {quoted(table.name)} WHERE {same}"),
                )

    def _note(self, table: SourceTable, key: str, source: str = "") -> str:
        tag = f"coalesce((SELECT tag FROM {self._tag}), '')"
        now = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
        line = f"SELECT {_literal(table.name)}, {key}, {tag}, {now}{source}"
        return f"INSERT INTO {self.outbox} (collection, key, tag, at) {line};"

    def _unique(self, table: SourceTable) -> list[list[str]]:
        """Return the columns of each unique index beside the key; expressions in one are left out with it."""
        found = []
        for index in self._store.texts(f"PRAGMA index_list({quoted(table.name)})"):
            if index[2] != "1" or index[3] == "pk":
                continue
            columns = [row[2] for row in self._store.texts(f"PRAGMA index_info({quoted(index[1])})")]
            if all(columns):
                found.append(columns)
        return found


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
