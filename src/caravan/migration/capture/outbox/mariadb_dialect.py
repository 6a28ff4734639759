# ruff: noqa: S608 - statements are what this file is for; names and literals in them are quoted
"""The outbox in MariaDB and MySQL: three triggers per table. TRUNCATE fires none, so it is found out by the number that InnoDB gives a table anew."""

import hashlib
from collections.abc import Mapping
from typing import Final

from caravan.migration.capture.errors import CaptureRefusedError
from caravan.migration.capture.stores.mariadb_store import MariadbStore
from caravan.migration.load.readers import SourceTable
from caravan.migration.load.readers.mariadb_schema import quoted

__all__ = ["MariadbDialect"]

_LONGEST: Final = 64
"""Characters of a name."""


class MariadbDialect:
    def __init__(self, store: MariadbStore, name: str) -> None:
        self._store = store
        self._name = name
        self.outbox = quoted(f"{name}_outbox")
        self.state = quoted(f"{name}_outbox_state")
        self._incarnations = quoted(f"{name}_outbox_tables")

    def making(self) -> list[str]:
        return [
            (
                f"CREATE TABLE IF NOT EXISTS {self.outbox} (seq bigint unsigned AUTO_INCREMENT PRIMARY KEY, place bigint NULL,"
                " collection varchar(64) NOT NULL, `key` text CHARACTER SET ascii, tag varchar(190) CHARACTER SET utf8mb4"
                " COLLATE utf8mb4_bin NOT NULL, at timestamp(6) NOT NULL DEFAULT current_timestamp(6), KEY (place, seq))"
                " ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
            ),
            f"CREATE TABLE IF NOT EXISTS {self.state} (one int PRIMARY KEY, place bigint NOT NULL, forgotten bigint NOT NULL) ENGINE = InnoDB",
            f"INSERT IGNORE INTO {self.state} VALUES (1, 0, 0)",
            (
                f"CREATE TABLE IF NOT EXISTS {self._incarnations} (name varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY,"
                " made varchar(40) NOT NULL) ENGINE = InnoDB"
            ),
        ]

    def noting(self, table: SourceTable) -> list[str]:
        where = self._store.full_name(table)
        old, new = (self._store.key_literal(table, row) for row in ("OLD.", "NEW."))
        note_old, note_new = (self._note(table, key) for key in (old, new))
        both = f"BEGIN {note_old}; IF NOT ({old} <=> {new}) THEN {note_new}; END IF; END"
        bodies = {"INSERT": note_new, "UPDATE": both, "DELETE": note_old}
        # MySQL has no OR REPLACE for triggers; there one that is there stays.
        create, unless = (
            ("CREATE OR REPLACE", "") if self._store.connection.is_mariadb else ("CREATE", "IF NOT EXISTS ")
        )
        return [
            *(
                f"{create} TRIGGER {unless}{self._trigger(table.name, act)} AFTER {act} ON {where} FOR EACH ROW {body}"
                for act, body in bodies.items()
            ),
            f"REPLACE INTO {self._incarnations} VALUES ({_literal(table.name)}, {_literal(self._incarnation(table.name))})",
        ]

    def removing(self, tables: Mapping[str, SourceTable]) -> list[str]:
        drops = [
            f"DROP TRIGGER IF EXISTS {self._trigger(name, act)}"
            for name in tables
            for act in ("INSERT", "UPDATE", "DELETE")
        ]
        return [*drops, f"DROP TABLE IF EXISTS {self.outbox}, {self.state}, {self._incarnations}"]

    def placing(self, place: int, sequence: str) -> str:
        # By the key alone: a scan would wait for lines of transactions that are open, and writers then for us.
        return f"UPDATE {self.outbox} FORCE INDEX (PRIMARY) SET place = {place} WHERE seq IN ({sequence})"

    def deleting(self, sequence: str) -> str:
        return f"DELETE o FROM {self.outbox} AS o FORCE INDEX (PRIMARY) WHERE o.seq IN ({sequence})"

    def missing(self, tables: Mapping[str, SourceTable]) -> str:
        for name in tables:
            triggers = ", ".join(
                _literal(self._trigger(name, act).strip("`")) for act in ("INSERT", "UPDATE", "DELETE")
            )
            ((there,),) = self._store.texts(
                "SELECT count(*) FROM information_schema.triggers WHERE trigger_schema = database()"
                f" AND event_object_table = {_literal(name)} AND trigger_name IN ({triggers})"
            )
            if there != "3":
                return f"a trigger of table {name} was dropped"
            noted = self._store.texts(f"SELECT made FROM {self._incarnations} WHERE name = {_literal(name)}")
            today = self._incarnation(name)
            if noted and noted[0][0] and today and noted[0][0] != today:
                return f"table {name} was truncated or rebuilt, which no trigger tells of"
        return ""

    def _note(self, table: SourceTable, key: str) -> str:
        line = f"{_literal(table.name)}, {key}, coalesce(@caravan_tag, '')"
        return f"INSERT INTO {self.outbox} (collection, `key`, tag) VALUES ({line})"

    def _incarnation(self, name: str) -> str:
        """Return the number that InnoDB gave the table when it was made or emptied; empty where this user may not ask."""
        catalogue = "innodb_sys_tables" if self._store.connection.is_mariadb else "innodb_tables"
        inside = _literal(f"{self._store.connection.database}/{name}")
        try:
            found = self._store.texts(
                f"SELECT table_id FROM information_schema.{catalogue} WHERE name = {inside}"
            )
        except CaptureRefusedError:  # the right PROCESS is missing
            return ""
        return found[0][0] if found else ""

    def _trigger(self, table: str, act: str) -> str:
        name = f"{self._name}_{act.lower()}_{table}"
        if len(name) > _LONGEST:
            name = f"{self._name}_{act.lower()}_{hashlib.sha256(table.encode()).hexdigest()[:24]}"
        return quoted(name)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
