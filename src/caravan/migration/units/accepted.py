"""Accepted differences: what the file masks, and what operators accepted since, each with owner, reason and last day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import psycopg

from caravan.core.ids import uuid7
from caravan.migration.config import Compare, MigrationConfig
from caravan.migration.units.journal import append
from caravan.migration.units.scope import Scope

__all__ = ["Accepted", "accept", "accepted_differences", "masks_of_file", "withdraw"]

_ACCEPT: Final = """
INSERT INTO engine.accepted_differences (org_id, id, migration, route, path, kind, owner, reason, until, by)
VALUES (%(org)s, %(id)s, %(migration)s, %(route)s, %(path)s, %(kind)s, %(owner)s, %(reason)s, %(until)s, %(by)s)
ON CONFLICT (org_id, migration, route, path, kind) WHERE withdrawn_at IS NULL DO UPDATE SET owner = excluded.owner,
    reason = excluded.reason, until = excluded.until, by = excluded.by
RETURNING id
"""
_WITHDRAW: Final = """
UPDATE engine.accepted_differences SET withdrawn_at = %(at)s
WHERE org_id = %(org)s AND migration = %(migration)s AND id = %(id)s AND withdrawn_at IS NULL RETURNING route, path, kind
"""
_OPEN: Final = """
SELECT route, path, kind, owner, reason, until FROM engine.accepted_differences
WHERE org_id = %(org)s AND migration = %(migration)s AND withdrawn_at IS NULL ORDER BY route, path, kind
"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """``route`` is ``METHOD /template``; ``until`` its last day."""

    route: str
    path: str
    kind: str
    owner: str
    reason: str
    until: date

    def as_json(self) -> dict[str, Any]:
        """Return what the judge's ``Mask.from_json`` reads."""
        return {
            "route": self.route,
            "path": self.path,
            "kind": self.kind,
            "owner": self.owner,
            "reason": self.reason,
            "until": self.until.isoformat(),
        }


def masks_of_file(config: MigrationConfig) -> Iterator[Accepted]:
    """Yield the masks of the file, those of ``[compare]`` for every route."""
    for route in config.routes:
        for method in route.methods:
            for rules in (config.compare, route.compare):
                yield from _masks(f"{method} {route.template}", rules)


def accepted_differences(
    connection: psycopg.Connection, scope: Scope, config: MigrationConfig, today: date
) -> list[Accepted]:
    """Return all that is accepted today: the file's and the operators'."""
    stored = [Accepted(*row) for row in connection.execute(_OPEN.encode(), scope.parameters)]
    return [one for one in (*masks_of_file(config), *stored) if today <= one.until]


def accept(
    connection: psycopg.Connection, scope: Scope, accepted: Accepted, *, by: str, at: datetime
) -> UUID:
    """Accept a difference; again with other words changes it. The journal keeps both."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            _ACCEPT.encode(),
            {**scope.parameters, **accepted.as_json(), "id": uuid7(), "by": by},
        )
        row = cursor.fetchone()
        append(cursor, scope, at=at, phase="difference accepted", by=by, facts=accepted.as_json())
    return UUID(str(row[0] if row else None))


def withdraw(connection: psycopg.Connection, scope: Scope, identity: UUID, *, by: str, at: datetime) -> bool:
    """Accept it no longer; False when it was not accepted."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(_WITHDRAW.encode(), {**scope.parameters, "id": identity, "at": at})
        row = cursor.fetchone()
        if row is not None:
            facts = {"route": row[0], "path": row[1], "kind": row[2]}
            append(cursor, scope, at=at, phase="difference withdrawn", by=by, facts=facts)
    return row is not None


def _masks(route: str, rules: Compare) -> Iterator[Accepted]:
    for mask in rules.masks:
        yield Accepted(route, mask.path, mask.kind, mask.owner, mask.reason, mask.until)
