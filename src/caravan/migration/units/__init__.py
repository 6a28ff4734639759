"""Units and their states: guards, transitions with a stored inverse, one lease holder, a hash-chained journal."""

from caravan.migration.units.accepted import Accepted, accept, accepted_differences, masks_of_file, withdraw
from caravan.migration.units.cutover_steps import CUTOVER, CutoverStep
from caravan.migration.units.errors import (
    ComesWithDataError,
    CompleteIsFinalError,
    EdgeMissingError,
    GateClosedError,
    LeaseHeldError,
    LeaseLostError,
    TransitionOpenError,
    UndoOpenError,
    UnitUnknownError,
)
from caravan.migration.units.guards import Check
from caravan.migration.units.journal import Break, Entry, append, entries, verify_chain
from caravan.migration.units.lease import Lease, held_lease
from caravan.migration.units.measurements import (
    Measurement,
    latest_measurements,
    record_measurement,
    stage_name,
)
from caravan.migration.units.performing import Performance, Performer
from caravan.migration.units.plan import PlannedWay, UnitPlan, plan_of, plans, told
from caravan.migration.units.publishing import NoGateways, Publication, Publisher
from caravan.migration.units.scope import Scope, connected
from caravan.migration.units.sides import look_at_sides
from caravan.migration.units.states import EDGES, STATES, Edge, State
from caravan.migration.units.store import StoredUnit, register, stored_units
from caravan.migration.units.transitions import Coordinator, Moved
from caravan.migration.units.values import Step, UnitValues

__all__ = [
    "CUTOVER",
    "EDGES",
    "STATES",
    "Accepted",
    "Break",
    "Check",
    "ComesWithDataError",
    "CompleteIsFinalError",
    "Coordinator",
    "CutoverStep",
    "Edge",
    "EdgeMissingError",
    "Entry",
    "GateClosedError",
    "Lease",
    "LeaseHeldError",
    "LeaseLostError",
    "Measurement",
    "Moved",
    "NoGateways",
    "Performance",
    "Performer",
    "PlannedWay",
    "Publication",
    "Publisher",
    "Scope",
    "State",
    "Step",
    "StoredUnit",
    "TransitionOpenError",
    "UndoOpenError",
    "UnitPlan",
    "UnitUnknownError",
    "UnitValues",
    "accept",
    "accepted_differences",
    "append",
    "connected",
    "entries",
    "held_lease",
    "latest_measurements",
    "look_at_sides",
    "masks_of_file",
    "plan_of",
    "plans",
    "record_measurement",
    "register",
    "stage_name",
    "stored_units",
    "told",
    "verify_chain",
    "withdraw",
]
