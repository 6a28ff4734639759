"""A flow of a migration, as its row tells."""

from uuid import UUID

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.migration.sync.flow_rows import Flow, flows_of
from caravan.migration.units import connected

__all__ = ["flow_of", "lag_of"]


def flow_of(database: DatabaseAddress, org: UUID, migration: str, direction: str) -> Flow | None:
    """Return the flow of one direction; None where it never began."""
    with connected(database, read_only=True) as connection:
        flows = flows_of(connection, {"org": org, "migration": migration})
        return next((flow for flow in flows if flow.direction == direction), None)


def lag_of(database: DatabaseAddress, org: UUID, migration: str, direction: str) -> float:
    """Return how many seconds it is behind; infinite where nobody carries it."""
    flow = flow_of(database, org, migration, direction)
    return float("inf") if flow is None or flow.state != "running" else flow.lag(utc_now()).seconds
