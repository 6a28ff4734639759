"""What can keep a person at the console from having their way."""

from caravan.core.errors import CaravanError

__all__ = ["FileNotKnownError", "HeldAlreadyError", "OvertakenError"]


class FileNotKnownError(CaravanError):
    code = "migration_file_not_given"
    status = 409
    title = "This console cannot move units"
    fix = "Set CARAVAN_MIGRATION_FILES to the migration file and start again, or use `caravan migration advance` or `back`."


class OvertakenError(CaravanError):
    code = "unit_moved_meanwhile"
    status = 409
    title = "Somebody was faster"
    fix = "Look where the unit is now, and decide again; nothing was done."


class HeldAlreadyError(CaravanError):
    code = "unit_held_already"
    status = 409
    title = "Somebody was faster"
    fix = "Talk to them, or let the unit go first."
