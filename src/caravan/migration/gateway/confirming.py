"""What the gateway's processes confirm, and waiting until all have."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select

from caravan.core.database import AnySession, Database, WriteSession
from caravan.migration.gateway.errors import NotConfirmedError
from caravan.migration.gateway.models import GatewayProcess
from caravan.migration.gateway.publishing import Published

__all__ = ["ProcessState", "forget_process", "process_states", "wait_until_confirmed"]

_LOOK_EVERY: Final = 0.01


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One gateway process. ``silent`` is how many seconds it has not been heard; ``has_lease`` whether that is within its lease."""

    name: str
    version: int
    epoch: int
    armed: frozenset[str]
    held: frozenset[str]
    in_flight: Mapping[str, int]
    started_at: datetime
    silent: float
    has_lease: bool


async def process_states(session: AnySession, org: UUID, migration: str) -> list[ProcessState]:
    """Return the processes that registered and have not taken leave, by name."""
    silent = func.extract("epoch", func.clock_timestamp() - GatewayProcess.seen_at)
    rows = await session.execute(
        select(GatewayProcess, silent)
        .where(GatewayProcess.org_id == org, GatewayProcess.migration == migration)
        .order_by(GatewayProcess.name)
    )
    return [
        ProcessState(
            row.name,
            row.version,
            row.epoch,
            frozenset(row.armed),
            frozenset(row.held),
            row.in_flight,
            row.started_at,
            float(seconds),
            float(seconds) < row.lease_seconds,
        )
        for row, seconds in rows
    ]


async def forget_process(session: WriteSession, org: UUID, migration: str, name: str) -> bool:
    """Remove a process that is gone for good; False when there is none of this name."""
    gone = await session.scalar(
        delete(GatewayProcess)
        .where(
            GatewayProcess.org_id == org, GatewayProcess.migration == migration, GatewayProcess.name == name
        )
        .returning(GatewayProcess.name)
    )
    return gone is not None


async def wait_until_confirmed(
    database: Database,
    org: UUID,
    migration: str,
    published: Published,
    *,
    seconds: float,
    unit: str | None = None,
) -> list[ProcessState]:
    """Wait until every process routes by this version or a later one and, with ``unit``, has no write of it on its way.

    A process whose lease is over counts as having confirmed when it had armed the unit: it refuses the unit's writes by
    itself. Returns the processes as they are then; an empty list means that no gateway runs.

    Raises:
        NotConfirmedError: naming those that have not, after ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while True:
        async with database.read() as session:
            states = await process_states(session, org, migration)
        missing = [state for state in states if not _confirmed(state, published.version, unit)]
        if not missing:
            return states
        if time.monotonic() >= deadline:
            raise NotConfirmedError(
                f"After {seconds:g} s these have not confirmed version {published.version}: "
                + ", ".join(_told(state, unit) for state in missing),
                processes=[state.name for state in missing],
            )
        await asyncio.sleep(_LOOK_EVERY)


def _confirmed(state: ProcessState, version: int, unit: str | None) -> bool:
    if not state.has_lease:
        return unit is not None and unit in state.armed
    return state.version >= version and (unit is None or not state.in_flight.get(unit, 0))


def _told(state: ProcessState, unit: str | None) -> str:
    if not state.has_lease:
        return f"{state.name} (silent for {state.silent:.1f} s)"
    writes = state.in_flight.get(unit, 0) if unit is not None else 0
    return f"{state.name} (version {state.version}" + (f", {writes} writes on their way)" if writes else ")")
