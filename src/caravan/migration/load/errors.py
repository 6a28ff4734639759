"""What can stop a load, or keep it from starting."""

from caravan.core.errors import CaravanError

__all__ = [
    "LoadInterruptedError",
    "LoadRunningError",
    "LoadStoppedError",
    "MappingUnfitError",
    "PlanError",
    "UndoRefusedError",
]


class LoadRunningError(CaravanError):
    code = "load_running"
    status = 409
    title = "This migration is being loaded already"
    fix = "Wait until the other load has ended, or stop it; then start this one again: it goes on where that one ended."


class LoadStoppedError(CaravanError):
    """A load that could not go on; what was committed is whole, and the next run goes on from there."""

    code = "load_stopped"
    status = 500
    title = "The load stopped and can be resumed"
    fix = "Remove the cause named in the message and run the same command again: proven chunks are skipped."


class LoadInterruptedError(LoadStoppedError):
    code = "load_interrupted"
    title = "The load was interrupted and can be resumed"
    fix = "Run the same command again: proven chunks are skipped."


class PlanError(CaravanError):
    code = "migration_plan_invalid"
    status = 422
    title = "The data sets cannot be put in an order"
    exit_code = 2
    fix = "Remove one `after` of the circle that the message names."


class MappingUnfitError(CaravanError):
    """``details["problems"]`` lists what does not fit, one sentence each."""

    code = "mapping.unfit"
    status = 422
    title = "A mapping does not fit its source or its target"
    exit_code = 2
    fix = "Correct the fields that the message names; nothing has been read or written yet."


class UndoRefusedError(CaravanError):
    """``details["reasons"]`` lists what stands against it, one sentence each."""

    code = "undo_refused"
    status = 409
    title = "The load cannot be undone safely"
    fix = "Remove or change back what the message lists, or keep the imported rows."
