"""What can keep changes from being read: they are gone, they cannot be read now, or they may not be read at all."""

from caravan.core.errors import CaravanError

__all__ = ["CaptureRefusedError", "CaptureStoppedError", "ChangesLostError", "ChangesUnreadableError"]


class ChangesLostError(CaravanError):
    """The log was purged, a slot was dropped, a trigger was removed: what happened since the position is not known any more."""

    code = "changes_lost"
    status = 409
    title = "The source no longer has the changes since the last position"
    exit_code = 3
    fix = (
        "Synchronise again: prepare the capture anew, which gives a fresh position, and load the data sets from there;"
        " rows that are newer on the other side are kept. Then let the source keep its log for longer than the capture may"
        " stand still."
    )


class CaptureStoppedError(CaravanError):
    """The source cannot be reached or read on. Nothing is lost: the capture goes on from the position it had."""

    code = "capture_stopped"
    status = 503
    title = "The changes of the source cannot be read on"
    fix = (
        "Remove the cause named in the message and start again: the capture goes on from the position it had."
    )


class ChangesUnreadableError(CaptureStoppedError):
    """The log goes on with what must not be guessed at: other columns, another table, a form that is not read. Waiting mends nothing."""

    code = "changes_unreadable"
    status = 409
    title = "The source's log holds changes that cannot be read"
    exit_code = 3
    fix = (
        "Do what the message names at the source or in the mapping, then synchronise again: `caravan sync release FILE`,"
        " `caravan sync run FILE`, `caravan load FILE`. Everything before the place has been applied."
    )


class CaptureRefusedError(CaravanError):
    """Rights or settings of the source do not allow to see every change. ``details["statements"]`` would help."""

    code = "capture_refused"
    status = 422
    title = "The source does not let its changes be followed"
    exit_code = 2
    fix = "Run the statements that the message names at the source, or choose another mechanism for it."

    @classmethod
    def because(cls, problem: str, *statements: str) -> "CaptureRefusedError":
        """Return the error with the statements that would help written behind the problem."""
        told = f"{problem}; run: {'; '.join(statements)}" if statements else problem
        return cls(told, statements=statements)
