"""``caravan load undo``: takes out exactly what the loads of one migration brought, or nothing."""

from collections.abc import Iterator
from typing import Final

from psycopg import sql

from caravan.migration.load.errors import UndoRefusedError
from caravan.migration.load.journal import Journal, open_journal
from caravan.migration.load.packed_keys import unpack
from caravan.migration.load.planning import Plan, PlannedDataSet, plan
from caravan.migration.load.request import LoadRequest
from caravan.migration.load.undo_obstacles import changed_rows, dependent_rows
from caravan.migration.mapping.contract import Reference, TargetTable
from caravan.migration.verify import qualified

__all__ = ["undo"]

_BESIDE: Final = (
    "dangling_references",
    "findings",
    "quarantine",
    "quarantine_clock",
    "ledger",
    "legacy_keys",
    "packed_keys",
    "load_runs",
)


def undo(request: LoadRequest) -> dict[str, int]:
    """Remove the imported rows, their keys, ledger, findings and quarantine; returns how many rows per table.

    Raises:
        UndoRefusedError: naming the later rows that depend on imported ones, and the imported rows changed since.
        LoadRunningError: the migration is being loaded.
    """
    tenant = request.tenants(request.config.migration.org, request.config.migration.client)
    planned = plan(request.config, tenant, request.source_override)
    with open_journal(request.database, planned.org_id, planned.migration) as journal:
        journal.begin()
        unpack(journal.connection, planned.org_id, planned.migration)
        reasons = [
            *dependent_rows(journal.connection, planned),
            *changed_rows(request.database, journal, planned, max(1, request.workers)),
        ]
        if reasons:
            journal.end("refused", {"reasons": reasons})
            raise UndoRefusedError(
                f"the load of {planned.migration!r} is not undone:\n" + "\n".join(reasons), reasons=reasons
            )
        return _remove(journal, planned)


def _remove(journal: Journal, planned: Plan) -> dict[str, int]:
    removed: dict[str, int] = {}
    with journal.connection.transaction():
        for data_set in reversed(planned.data_sets):
            for table, reference in _backward_references(planned, data_set):
                _clear(journal, data_set, table, reference)
        for data_set in reversed(planned.data_sets):
            for table in reversed(list(data_set.mapping.tables)):
                removed[table.name] = removed.get(table.name, 0) + _delete(journal, data_set, table)
        for name in _BESIDE:
            journal.connection.execute(
                sql.SQL("DELETE FROM {} WHERE org_id = %(org)s AND migration = %(migration)s").format(
                    sql.Identifier("engine", name)
                ),
                journal.scope,
            )
    return dict(reversed(removed.items()))


def _backward_references(planned: Plan, data_set: PlannedDataSet) -> Iterator[tuple[TargetTable, Reference]]:
    """Yield references to rows that go before their referrer goes: those that close a circle."""
    order = [item.name for item in planned.data_sets]
    owner = planned.tables
    for table in data_set.mapping.tables:
        for reference in table.references:
            target = owner.get(reference.table)
            if target is not None and order.index(target) > order.index(data_set.name):
                yield table, reference


def _clear(journal: Journal, data_set: PlannedDataSet, table: TargetTable, reference: Reference) -> None:
    statement = sql.SQL("UPDATE {table} t SET {column} = NULL {keys}").format(
        table=qualified(table.name), column=sql.Identifier(reference.column), keys=_keys("FROM", table)
    )
    journal.connection.execute(statement, data_set.scope)


def _delete(journal: Journal, data_set: PlannedDataSet, table: TargetTable) -> int:
    statement = sql.SQL("DELETE FROM {table} t {keys}").format(
        table=qualified(table.name), keys=_keys("USING", table)
    )
    return journal.connection.execute(statement, data_set.scope).rowcount


def _keys(word: str, table: TargetTable) -> sql.Composed:
    return sql.SQL(
        "{word} engine.legacy_keys k WHERE k.org_id = t.org_id AND k.row_id = t.{owner}"
        " AND k.org_id = %(org)s AND k.migration = %(migration)s AND k.data_set = %(data_set)s"
    ).format(word=sql.SQL(word), owner=sql.Identifier(table.parent or "id"))
