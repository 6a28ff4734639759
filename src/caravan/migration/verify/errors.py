"""What keeps two sides from being compared, or one of them from being repaired."""

from caravan.core.errors import CaravanError

__all__ = [
    "NotComparableError",
    "RepairRefusedError",
    "SideLostError",
    "VerifyRunningError",
    "VerifyTargetError",
]


class NotComparableError(CaravanError):
    code = "verify_not_comparable"
    status = 422
    title = "The two sides cannot be compared as they are"
    exit_code = 2
    fix = "Name columns and key that both sides have, with types that go together, or compare views that give them."


class SideLostError(CaravanError):
    """What was judged before is kept; the next run goes on behind it."""

    code = "verify_side_lost"
    status = 503
    title = "A side could not be read to the end"
    exit_code = 2
    fix = "Remove the cause named in the message and run the same command again: what is judged already is not read again."


class VerifyRunningError(CaravanError):
    code = "verify_running"
    status = 409
    title = "This is being verified already"
    exit_code = 2
    fix = "Wait until the other verification has ended, or stop it; then start this one again: it goes on where that one was."


class VerifyTargetError(CaravanError):
    code = "verify_no_such_side"
    status = 422
    title = "There is no such side to verify"
    exit_code = 2
    fix = "Write SOURCE:TABLE with a name of [sources], or target:TABLE for the platform's own database."


class RepairRefusedError(CaravanError):
    code = "verify_repair_refused"
    status = 409
    title = "This side must not be repaired from the other"
    exit_code = 2
    fix = "Repair the side without write authority, or bring the unit back first; `caravan migration status` tells who has it."
