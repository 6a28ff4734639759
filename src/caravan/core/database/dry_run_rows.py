"""The rows that a dry run changed: noted by triggers into a temporary table, read before the rollback, told as JSON."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

__all__ = ["HOLD_ROWS", "Noted", "TooManyRowsError", "changed_rows", "net_changes", "rows_json"]

_MOST: Final = 2_000

HOLD_ROWS: Final = (
    text(
        'CREATE TEMPORARY TABLE caravan_dry_run_rows ("table" text NOT NULL, key text NOT NULL, before jsonb, after jsonb)'
        " ON COMMIT DROP"
    ),
    # What a foreign key cascades to is written, and so noted, as the owner of the tables.
    text("GRANT INSERT ON pg_temp.caravan_dry_run_rows TO caravan_owner"),
)
_READ: Final = text(
    'SELECT "table", key, before::text AS before, after::text AS after FROM pg_temp.caravan_dry_run_rows'
    " ORDER BY ctid LIMIT :most"  # in the order of their writing: nothing is ever deleted from it
)


class TooManyRowsError(Exception):
    """More rows than anybody wants to compare."""


@dataclass(frozen=True, slots=True)
class Noted:
    """One row before and after one statement, as JSON text; None where it was not there."""

    table: str
    key: str
    before: str | None
    after: str | None


async def changed_rows(session: AsyncSession) -> str:
    """Return the net changes of the session's transaction in the documented form. Raises ``TooManyRowsError``."""
    found = (await session.execute(_READ, {"most": _MOST + 1})).all()
    if len(found) > _MOST:
        raise TooManyRowsError(f"it changes more than {_MOST:,} rows")
    return rows_json(net_changes(Noted(row.table, row.key, row.before, row.after) for row in found))


def net_changes(noted: Iterable[Noted]) -> list[Noted]:
    """Fold the statements on each row into one change; a row that ends as it began was not changed."""
    rows: dict[tuple[str, str], Noted] = {}
    for each in noted:
        first = rows.get((each.table, each.key), each)
        rows[each.table, each.key] = Noted(each.table, each.key, first.before, each.after)
    return [each for each in rows.values() if each.before != each.after]


def rows_json(changes: Sequence[Noted]) -> str:
    """Write changes as the JSON array of the guide; numbers keep the digits that PostgreSQL gave them."""
    return "[" + ", ".join(_row_json(each) for each in changes) + "]"


def _row_json(change: Noted) -> str:
    operation = "insert" if change.before is None else "delete" if change.after is None else "update"
    head = {"table": change.table, "operation": operation, "key": change.key}
    if change.before is not None and change.after is not None:
        head["changed"] = _changed(change.before, change.after)  # type: ignore[assignment]  # a list beside texts
    return f'{json.dumps(head)[:-1]}, "columns": {change.after or change.before}}}'


def _changed(before: str, after: str) -> list[str]:
    old, new = (json.loads(side, parse_float=str, parse_int=str) for side in (before, after))
    return sorted(name for name, value in new.items() if old.get(name) != value)
