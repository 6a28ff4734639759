# ruff: noqa: S608 - statements are what this file is for; names and literals in them are quoted
"""The outbox in PostgreSQL: a schema of ours, one trigger function per table, and a trigger for TRUNCATE."""

from collections.abc import Mapping

from caravan.migration.capture.stores.postgres_store import PostgresStore
from caravan.migration.load.readers import SourceTable
from caravan.migration.load.readers.postgres import name_of
from caravan.migration.load.readers.postgres_schema import quoted

__all__ = ["PostgresDialect"]

_TRIGGERS = (
    "SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE t.tgname IN ({names}) AND t.tgenabled = 'A' AND n.nspname = {schema} AND c.relname = {table}"
)


class PostgresDialect:
    def __init__(self, store: PostgresStore, name: str) -> None:
        self._store = store
        self._schema = quoted(name)
        self._name = name
        self.outbox = f"{self._schema}.outbox"
        self.state = f"{self._schema}.outbox_state"

    def making(self) -> list[str]:
        return [
            f"CREATE SCHEMA IF NOT EXISTS {self._schema}",
            (
                f"CREATE TABLE IF NOT EXISTS {self.outbox} (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, place bigint,"
                " collection text NOT NULL, key text, tag text NOT NULL DEFAULT coalesce(current_setting('caravan.tag', true), ''),"
                " at timestamptz NOT NULL DEFAULT clock_timestamp())"
            ),
            f"CREATE INDEX IF NOT EXISTS outbox_place ON {self.outbox} (place, seq)",
            f"CREATE TABLE IF NOT EXISTS {self.state} (one integer PRIMARY KEY, place bigint NOT NULL, forgotten bigint NOT NULL)",
            f"INSERT INTO {self.state} VALUES (1, 0, 0) ON CONFLICT DO NOTHING",
        ]

    def noting(self, table: SourceTable) -> list[str]:
        where = self._store.full_name(table)
        function = f"{self._schema}.{quoted(f'note {table.schema}.{table.name}')}"
        into = f"INSERT INTO {self.outbox} (collection, key) VALUES ({_literal(name_of(table))}, "
        old, new = (self._store.key_literal(table, row) for row in ("OLD.", "NEW."))
        rows, emptied = self._names()
        body = (
            f"BEGIN IF TG_OP = 'TRUNCATE' THEN {into}NULL); RETURN NULL; END IF;"
            f" IF TG_OP <> 'INSERT' THEN {into}{old}); END IF;"
            f" IF TG_OP = 'INSERT' THEN {into}{new});"
            f" ELSIF TG_OP = 'UPDATE' THEN IF {old} <> {new} THEN {into}{new}); END IF; END IF;"
            " RETURN NULL; END"
        )
        return [
            # The writers' roles have no rights on the outbox: the function runs with those of its owner.
            (
                f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
                f" SET search_path = pg_catalog, pg_temp AS $caravan${body}$caravan$"
            ),
            f"DROP TRIGGER IF EXISTS {rows} ON {where}",
            f"CREATE TRIGGER {rows} AFTER INSERT OR UPDATE OR DELETE ON {where} FOR EACH ROW EXECUTE FUNCTION {function}()",
            f"DROP TRIGGER IF EXISTS {emptied} ON {where}",
            f"CREATE TRIGGER {emptied} AFTER TRUNCATE ON {where} FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
            # Also for sessions that replay replicated changes.
            f"ALTER TABLE {where} ENABLE ALWAYS TRIGGER {rows}",
            f"ALTER TABLE {where} ENABLE ALWAYS TRIGGER {emptied}",
        ]

    def removing(self, tables: Mapping[str, SourceTable]) -> list[str]:
        drops = [
            f"DROP TRIGGER IF EXISTS {trigger} ON {self._store.full_name(table)}"
            for table in tables.values()
            for trigger in self._names()
        ]
        return [*drops, f"DROP SCHEMA IF EXISTS {self._schema} CASCADE"]

    def placing(self, place: int, sequence: str) -> str:
        return f"UPDATE {self.outbox} SET place = {place} WHERE seq IN ({sequence})"

    def deleting(self, sequence: str) -> str:
        return f"DELETE FROM {self.outbox} WHERE seq IN ({sequence})"

    def missing(self, tables: Mapping[str, SourceTable]) -> str:
        names = ", ".join(_literal(name.strip('"')) for name in self._names())
        for name, table in tables.items():
            query = _TRIGGERS.format(names=names, schema=_literal(table.schema), table=_literal(table.name))
            if self._store.texts(query)[0][0] != "2":
                return f"a trigger of table {name} was dropped or disabled"
        return ""

    def _names(self) -> tuple[str, str]:
        return quoted(f"{self._name}_rows"), quoted(f"{self._name}_emptied")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
