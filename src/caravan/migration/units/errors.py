"""What can keep a unit where it is."""

from caravan.core.errors import CaravanError

__all__ = [
    "ComesWithDataError",
    "CompleteIsFinalError",
    "EdgeMissingError",
    "GateClosedError",
    "LeaseHeldError",
    "LeaseLostError",
    "TransitionOpenError",
    "UndoOpenError",
    "UnitUnknownError",
]


class UnitUnknownError(CaravanError):
    code = "unit_unknown"
    status = 404
    title = "There is no such unit"
    exit_code = 2
    fix = "Name one of the units of the migration file; `caravan migration status FILE` lists them."


class CompleteIsFinalError(CaravanError):
    code = "unit_complete_is_final"
    status = 409
    title = "A complete unit has no way back"
    exit_code = 2
    fix = (
        "What can still be done: the old store stands fenced as it was when the flow back ended, and can be read;"
        " correct the new side forward; restore the new side from its backup; or declare a migration of its own that carries"
        " the new store to the old one, and walk it like the first."
    )


class EdgeMissingError(CaravanError):
    code = "unit_edge_missing"
    status = 409
    title = "No edge leads there from the unit's state"
    exit_code = 2
    fix = "Go to one of the states that the message names; `caravan migration plan FILE UNIT` prints every step."


class ComesWithDataError(CaravanError):
    code = "unit_edge_needs_data"
    status = 501
    title = "This edge moves data"
    exit_code = 2
    fix = "Use `caravan cutover`: it knows the stores and flows of the unit. `caravan cutover plan FILE UNIT` prints every step."


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
    fix = "Run the same command again: it finishes or unwinds it. `caravan migration status FILE` names the transition."


class UndoOpenError(CaravanError):
    code = "unit_undo_open"
    status = 503
    title = "A step failed, and so did undoing it"
    fix = (
        "Run the same command again as soon as the store or database named answers: it goes on undoing. Until then the unit's"
        " writes get 503; `caravan cutover release-fence FILE UNIT --print` prints what opens the store by hand."
    )
