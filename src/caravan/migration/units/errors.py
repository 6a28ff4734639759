"""What can keep a unit where it is."""

from caravan.core.errors import CaravanError

__all__ = [
    "ComesWithDataError",
    "EdgeMissingError",
    "GateClosedError",
    "LeaseHeldError",
    "LeaseLostError",
    "TransitionOpenError",
    "UnitUnknownError",
]


class UnitUnknownError(CaravanError):
    code = "unit_unknown"
    status = 404
    title = "There is no such unit"
    exit_code = 2
    fix = "Name one of the units of the migration file; `caravan migration status FILE` lists them."


class EdgeMissingError(CaravanError):
    code = "unit_edge_missing"
    status = 409
    title = "No edge leads there from the unit's state"
    exit_code = 2
    fix = "Go to one of the states that the message names; `caravan migration plan FILE UNIT` prints every step."


class ComesWithDataError(CaravanError):
    code = "unit_edge_needs_data"
    status = 501
    title = "This edge moves data, which this version does not do yet"
    exit_code = 2
    fix = "Leave the unit where it is; where its data does not change sides, remove data_sets of the unit in the migration file."


class GateClosedError(CaravanError):
    """``details["checks"]`` lists every check with what was measured and what is needed."""

    code = "unit_gate_closed"
    status = 409
    title = "The measurements do not let the unit go on"
    exit_code = 3
    fix = "Measure what is missing, or correct what the message names, then run the command again; the unit has not moved."


class LeaseHeldError(CaravanError):
    code = "migration_lease_held"
    status = 409
    title = "Somebody else is changing this migration"
    fix = "Wait until the holder named in the message is done; a lease that nobody renews ends by itself."


class LeaseLostError(CaravanError):
    code = "migration_lease_lost"
    status = 409
    title = "The lease was lost on the way"
    fix = "Run the command again: it goes on where this one stopped, or run `back` to unwind."


class TransitionOpenError(CaravanError):
    code = "unit_transition_open"
    status = 409
    title = "A transition of this unit was interrupted"
    fix = "Run `caravan migration advance` with the same target to finish it, or `caravan migration back` to unwind it."
