"""What can keep a person at the console from having their way."""

from caravan.core.errors import CaravanError

__all__ = ["FileNotKnownError", "HeldAlreadyError", "OperatorRefusedError"]


class FileNotKnownError(CaravanError):
    code = "migration_file_not_given"
    status = 409
    title = "This console cannot move units"
    fix = "Set CARAVAN_MIGRATION_FILES to the migration file and start again, or use `caravan migration advance` or `back`."


class HeldAlreadyError(CaravanError):
    code = "unit_held_already"
    status = 409
    title = "Somebody was faster"
    fix = "Talk to them, or let the unit go first."


class OperatorRefusedError(CaravanError):
    code = "operator_refused"
    status = 401
    title = "The name and the token do not belong together"
    fix = "Write the name as in [operators] of the migration file; `caravan migration operator NAME` makes a new token for it."
