"""Wishes that wait for a second person, and marks that the conductor acts on: rows that people leave in its tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg

from caravan.migration.conductor.errors import RequestUnknownError, UnitHeldError
from caravan.migration.conductor.stored_json import stored
from caravan.migration.units import Scope

__all__ = ["OpenWish", "ask", "hold", "let_go", "mark", "refuse_held", "settle", "taken_up"]

_ASK: Final = """
INSERT INTO engine.operator_requests (org_id, id, migration, unit, action, wish, state, by, asked_at)
VALUES (%(org)s, %(id)s, %(migration)s, %(unit)s, %(action)s, %(wish)s, 'open', %(by)s, %(at)s)
ON CONFLICT DO NOTHING RETURNING id
"""
_REQUEST: Final = """
SELECT unit, action, wish, by, state, settled_by FROM engine.operator_requests
WHERE org_id = %(org)s AND migration = %(migration)s AND id = %(id)s FOR UPDATE
"""
_SETTLE: Final = """
UPDATE engine.operator_requests SET state = %(state)s, settled_by = %(by)s, settled_at = %(at)s
WHERE org_id = %(org)s AND id = %(id)s
"""
_HOLD: Final = """
INSERT INTO engine.unit_holds (org_id, migration, unit, by, reason, at)
VALUES (%(org)s, %(migration)s, %(unit)s, %(by)s, %(reason)s, %(at)s)
ON CONFLICT (org_id, migration, unit) DO UPDATE SET by = excluded.by, reason = excluded.reason, at = excluded.at
"""
_HELD: Final = """
SELECT by, reason FROM engine.unit_holds WHERE org_id = %(org)s AND migration = %(migration)s AND unit = %(unit)s
"""
_LET_GO: Final = (
    "DELETE FROM engine.unit_holds WHERE org_id = %(org)s AND migration = %(migration)s AND unit = %(unit)s"
)
_MARK: Final = """
INSERT INTO engine.conductor_state (org_id, migration, part, version, document, written_at)
VALUES (%(org)s, %(migration)s, %(part)s, 0, %(document)s, %(at)s)
ON CONFLICT (org_id, migration, part) DO UPDATE SET document = excluded.document, written_at = excluded.written_at
"""


@dataclass(frozen=True, slots=True)
class OpenWish:
    """What somebody asked for and nobody has settled."""

    unit: str | None
    action: str
    wish: Mapping[str, Any]
    by: str


def ask(connection: psycopg.Connection, scope: Scope, identity: UUID, wanted: OpenWish, at: datetime) -> bool:
    """Write a wish down; False when it stands there already."""
    row = {
        **scope.parameters,
        "id": identity,
        "unit": wanted.unit,
        "action": wanted.action,
        "wish": stored(dict(wanted.wish)),
        "by": wanted.by,
        "at": at,
    }
    return connection.execute(_ASK.encode(), row).fetchone() is not None


def taken_up(connection: psycopg.Connection, scope: Scope, identity: UUID) -> OpenWish:
    """Return an open wish, which nobody else settles until the transaction ends.

    Raises:
        RequestUnknownError: there is none, or somebody was faster, who is named.
    """
    found = connection.execute(_REQUEST.encode(), {**scope.parameters, "id": identity}).fetchone()
    if found is None:
        raise RequestUnknownError(f"There is no request {identity}.")
    unit, action, wish, by, state, settled_by = found
    if state != "open":
        raise RequestUnknownError(f"{settled_by} has settled it: {state}.")
    return OpenWish(unit, action, wish, by)


def settle(
    connection: psycopg.Connection, scope: Scope, identity: UUID, state: str, by: str, at: datetime
) -> None:
    """End a wish as ``done`` or ``refused``."""
    row = {**scope.parameters, "id": identity, "state": state, "by": by, "at": at}
    connection.execute(_SETTLE.encode(), row)


def hold(connection: psycopg.Connection, scope: Scope, unit: str, reason: str, by: str, at: datetime) -> None:
    """Keep a unit where it is."""
    row = {**scope.parameters, "unit": unit, "reason": reason, "by": by, "at": at}
    connection.execute(_HOLD.encode(), row)


def refuse_held(connection: psycopg.Connection, scope: Scope, unit: str) -> None:
    """Raise ``UnitHeldError`` where somebody holds the unit where it is: it does not go on then, by whatever command."""
    held = connection.execute(_HELD.encode(), {**scope.parameters, "unit": unit}).fetchone()
    if held is not None:
        raise UnitHeldError(f"{held[0]} holds {unit!r} where it is: {held[1]}.")


def let_go(connection: psycopg.Connection, scope: Scope, unit: str) -> None:
    """End a hold."""
    connection.execute(_LET_GO.encode(), {**scope.parameters, "unit": unit})


def mark(
    connection: psycopg.Connection, scope: Scope, part: str, document: Mapping[str, Any], at: datetime
) -> None:
    """Leave a part of the state that the conductor finds at its next look, and acts on."""
    row = {**scope.parameters, "part": part, "document": stored(dict(document)), "at": at}
    connection.execute(_MARK.encode(), row)
