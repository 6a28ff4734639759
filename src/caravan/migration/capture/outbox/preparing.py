"""Puts the outbox into a store and takes it out again."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from caravan.migration.capture.binlog.requirements import assert_keys, cascades
from caravan.migration.capture.changes import Position
from caravan.migration.capture.errors import CaptureRefusedError
from caravan.migration.capture.keyed import keyed
from caravan.migration.capture.options import CaptureOptions
from caravan.migration.capture.outbox.dialect import Dialect
from caravan.migration.capture.outbox.mariadb_dialect import MariadbDialect
from caravan.migration.capture.outbox.places import last_place
from caravan.migration.capture.outbox.postgres_dialect import PostgresDialect
from caravan.migration.capture.outbox.sqlite_dialect import SqliteDialect
from caravan.migration.capture.stores.mariadb_store import MariadbStore
from caravan.migration.capture.stores.postgres_store import PostgresStore
from caravan.migration.capture.stores.sqlite_store import SqliteStore
from caravan.migration.capture.stores.store import Store
from caravan.migration.load.readers import Rules, SourceTable

__all__ = ["assert_notable", "open_store", "outbox_statements", "prepare_outbox", "remove_outbox"]


def open_store(kind: str, place: str | Path, rules: Rules, name: str) -> tuple[Store, Dialect]:
    """Return the connected store of a kind and the words of its outbox."""
    if kind == "sqlite":
        sqlite = SqliteStore(Path(place), rules)
        return sqlite, SqliteDialect(sqlite, name)
    if kind in {"mariadb", "mysql"}:
        mariadb = MariadbStore(str(place), rules)
        return mariadb, MariadbDialect(mariadb, name)
    postgres = PostgresStore(str(place), rules)
    return postgres, PostgresDialect(postgres, name)


def outbox_statements(dialect: Dialect, tables: Mapping[str, SourceTable]) -> list[str]:
    """Return what ``prepare_outbox`` runs, for a person to run it with other rights; it may be run again."""
    return [
        *dialect.making(),
        *(statement for table in tables.values() for statement in dialect.noting(table)),
    ]


def prepare_outbox(store: Store, dialect: Dialect, names: Sequence[str], options: CaptureOptions) -> Position:
    """Make what is not there and return a position such that a snapshot opened later sees all that came before it.

    Making a trigger waits for the transactions that write to the table, so what was not noted has been committed.

    Raises:
        CaptureRefusedError: a table has no key, or rights are missing, or its rows change without firing triggers.
    """
    tables = assert_notable(store, names, options)
    if isinstance(store, MariadbStore):
        store.run(*outbox_statements(dialect, tables))  # each commits by itself there
    else:
        with store.writing():
            store.run(*outbox_statements(dialect, tables))
    return Position(last_place(store, dialect))


def assert_notable(store: Store, names: Sequence[str], options: CaptureOptions) -> Mapping[str, SourceTable]:
    """Return the tables; raises ``CaptureRefusedError`` where triggers would miss changes, or not say of which row."""
    tables = keyed(store.tables(names), options.keys)
    assert_keys(tables, store.place)
    if isinstance(store, PostgresStore):
        _assert_owner(store, tables)
    acting = cascades(store.connection, names) if isinstance(store, MariadbStore) else []
    if acting and options.cascades == "refuse":
        raise CaptureRefusedError(
            f"{store.place}: foreign keys change rows without firing triggers: {'; '.join(acting)}. Declare them RESTRICT and"
            ' let the application delete the children, or accept it with cascades = "accept"'
        )
    return tables


def _assert_owner(store: PostgresStore, tables: Mapping[str, SourceTable]) -> None:
    """Raise ``CaptureRefusedError`` where this role may not make triggers that always fire, or a schema for the outbox."""
    for name, table in tables.items():
        where = store.full_name(table).replace("'", "''")
        ((owns, user, creates),) = store.texts(
            f"SELECT pg_has_role(relowner, 'USAGE'), current_user, has_database_privilege(current_database(), 'CREATE')"  # noqa: S608 - quoted
            f" FROM pg_class WHERE oid = '{where}'::regclass"
        )
        if "f" in (owns, creates):
            raise CaptureRefusedError.because(
                f"{store.place}: the role {user} may not make triggers on {name} and a schema for what they note",
                f'GRANT CREATE ON DATABASE … TO "{user}"',
                f'GRANT "the owner of {name}" TO "{user}"',
            )


def remove_outbox(store: Store, dialect: Dialect, names: Sequence[str]) -> None:
    """Take triggers and outbox away."""
    statements = dialect.removing(store.tables(names))
    if isinstance(store, MariadbStore):
        store.run(*statements)
    else:
        with store.writing():
            store.run(*statements)
