"""Publishing route tables: one transaction, one winner, everybody told.

All functions take a session in the system's role (`Database.write`) and leave the commit to its owner; gateways hear of
a change when that happens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from caravan.core.database import AnySession, WriteSession
from caravan.migration.gateway.errors import RouteTableConflictError, UnitNotArmedError, UnitUnknownError
from caravan.migration.gateway.models import RoutePointer, RouteTableRow
from caravan.migration.gateway.plan import SWITCHED, PlannedUnit, RoutePlan, Side, checksum

__all__ = ["CHANNEL", "Published", "arm", "change_unit", "current_table", "hold", "publish_table", "release"]

CHANNEL: Final = "caravan_routes"
_AFTER_OLD: Final = 4
_LOCKED: Final = text("SET LOCAL lock_timeout = '5s'")


@dataclass(frozen=True, slots=True)
class Published:
    """A table as it stands in the database; version 0 means that none was published."""

    version: int
    epoch: int
    plan: RoutePlan
    by: str
    at: datetime | None


async def current_table(session: AnySession, org: UUID, migration: str) -> Published:
    """Return the current table of a migration."""
    found = await session.execute(
        select(RouteTableRow)
        .join(
            RoutePointer,
            (RoutePointer.org_id == RouteTableRow.org_id)
            & (RoutePointer.migration == RouteTableRow.migration)
            & (RoutePointer.version == RouteTableRow.version),
        )
        .where(RoutePointer.org_id == org, RoutePointer.migration == migration)
    )
    row = found.scalar_one_or_none()
    if row is None:
        return Published(0, 0, RoutePlan(), "", None)
    return Published(
        row.version, row.epoch, RoutePlan.model_validate(row.document), row.created_by, row.created_at
    )


async def publish_table(
    session: WriteSession,
    org: UUID,
    migration: str,
    plan: RoutePlan,
    *,
    expected: int,
    by: str,
    reason: str = "",
) -> Published:
    """Make this the current table; ``expected`` is the version it was made from, 0 when there was none.

    The epoch grows when the write authority of any unit is another than before.

    Raises:
        RouteTableConflictError: the current version is not ``expected``; the message names who was first.
    """
    before = await _locked(session, org, migration)
    if before.version != expected:
        when = before.at.isoformat(timespec="seconds") if before.at else "never"
        raise RouteTableConflictError(
            f"The route table of {migration} is at version {before.version}, not {expected}:"
            f" {before.by or 'nobody'} published it ({when}).",
            version=before.version,
            by=before.by,
        )
    version = before.version + 1
    epoch = before.epoch + (1 if _authorities(before.plan) != _authorities(plan) else 0)
    document = plan.document()
    at = await session.scalar(
        insert(RouteTableRow)
        .values(
            org_id=org,
            migration=migration,
            version=version,
            epoch=epoch,
            checksum=checksum(document),
            document=document,
            created_by=by,
            reason=reason,
        )
        .returning(RouteTableRow.created_at)
    )
    await session.execute(
        update(RoutePointer)
        .where(RoutePointer.org_id == org, RoutePointer.migration == migration)
        .values(version=version, epoch=epoch, changed_at=func.now())
    )
    await session.execute(select(func.pg_notify(CHANNEL, f"{org}/{migration}/{version}")))
    return Published(version, epoch, plan, by, at)


async def change_unit(
    session: WriteSession,
    org: UUID,
    migration: str,
    unit: str,
    *,
    by: str,
    reason: str = "",
    **changes: Any,  # noqa: ANN401 - fields of PlannedUnit
) -> Published:
    """Publish the current table with these fields of one unit changed; raises ``UnitUnknownError``.

    For steps that decide by the unit alone (a canary's share, a state): it waits for whoever is publishing just now.
    """
    before = await _locked(session, org, migration)
    planned = _unit(before.plan, unit)
    changed = PlannedUnit.model_validate({**planned.model_dump(), **changes})
    return await publish_table(
        session, org, migration, before.plan.with_unit(changed), expected=before.version, by=by, reason=reason
    )


async def arm(session: WriteSession, org: UUID, migration: str, unit: str, *, by: str) -> Published:
    """Prepare a switch: from its confirmation on, a process without its lease refuses the unit's writes by itself."""
    return await change_unit(session, org, migration, unit, by=by, reason="arm", armed=True)


async def hold(session: WriteSession, org: UUID, migration: str, unit: str, *, by: str) -> Published:
    """Have every gateway process hold the unit's writes; wait with ``wait_until_confirmed`` until all do.

    Raises:
        UnitNotArmedError: ``arm`` and its confirmation come first.
    """
    before = await _locked(session, org, migration)
    if not _unit(before.plan, unit).armed:
        raise UnitNotArmedError(f"The unit {unit} has not been armed.")
    return await change_unit(session, org, migration, unit, by=by, reason="hold", held=True)


async def release(
    session: WriteSession,
    org: UUID,
    migration: str,
    unit: str,
    side: Side,
    *,
    by: str,
    state: int | None = None,
) -> Published:
    """Let the unit's writes go on, to this side, in one version with the change of authority.

    ``state`` is the unit's state from now on: 7 to 9 for the new side, less for the old one; left out, it is 7 for the new
    side, and for the old one the state it has, or 4 when that was 7 or more.
    """
    before = await _locked(session, org, migration)
    now = _unit(before.plan, unit).state
    if state is None:
        state = max(now, SWITCHED) if side == "new" else now if now < SWITCHED else _AFTER_OLD
    if (state >= SWITCHED) != (side == "new"):
        raise ValueError(f"in state {state} the {side} side has no write authority")
    return await change_unit(
        session,
        org,
        migration,
        unit,
        by=by,
        reason=f"release to {side}",
        held=False,
        armed=False,
        state=state,
    )


def _unit(plan: RoutePlan, name: str) -> PlannedUnit:
    unit = plan.unit(name)
    if unit is None:
        known = ", ".join(one.name for one in plan.units) or "none"
        raise UnitUnknownError(f"There is no unit {name!r}; the table has: {known}.")
    return unit


def _authorities(plan: RoutePlan) -> Sequence[str]:
    return sorted(unit.name for unit in plan.units if unit.authority == "new")


async def _locked(session: WriteSession, org: UUID, migration: str) -> Published:
    """Return the current table, which nobody else can replace before this transaction ends."""
    await session.execute(_LOCKED)
    await session.execute(
        upsert(RoutePointer)
        .values(org_id=org, migration=migration, version=0, epoch=0)
        .on_conflict_do_nothing()
    )
    await session.execute(
        select(RoutePointer)
        .where(RoutePointer.org_id == org, RoutePointer.migration == migration)
        .with_for_update()
    )
    return await current_table(session, org, migration)
