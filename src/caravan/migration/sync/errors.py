"""What can keep a flow from starting, or stop it."""

from caravan.core.errors import CaravanError

__all__ = [
    "CatchUpTimeoutError",
    "FlowFailedError",
    "FlowHeldError",
    "FlowReplacedError",
    "FlowUnknownError",
    "LegacyWriteError",
    "LoadNotBesideCaptureError",
    "NothingToFollowError",
    "SnapshotTooOldError",
    "TouchedRowError",
]


class FlowUnknownError(CaravanError):
    code = "flow_unknown"
    status = 404
    title = "There is no such flow"
    exit_code = 2
    fix = "Start it with `caravan sync run FILE`; `caravan sync status FILE` lists the flows there are."


class FlowHeldError(CaravanError):
    code = "flow_held"
    status = 409
    title = "Another process carries this flow"
    fix = "Leave the other process to its work, or end it with `caravan sync stop FILE`; then run the command again."


class FlowReplacedError(CaravanError):
    """Somebody with a higher epoch carries the flow now; nothing of this process may be committed any more."""

    code = "flow_replaced"
    status = 409
    title = "Another process has taken the flow over"
    fix = "Nothing was lost: the other process goes on from the last commit. Run `caravan sync status FILE` to see it."


class FlowFailedError(CaravanError):
    """``details["flow_code"]`` is the code of the error that the flow ended with."""

    code = "flow_failed"
    status = 503
    title = "The flow has failed"
    fix = "Remove the cause named in the message and run `caravan sync run FILE` again: it goes on from the last commit."


class CatchUpTimeoutError(CaravanError):
    code = "flow_catch_up_timeout"
    status = 504
    title = "The flow did not reach the position in time"
    fix = "Look at `caravan sync status FILE`: wait until its lag is small, then try again. Nothing was changed."


class NothingToFollowError(CaravanError):
    code = "flow_nothing_to_follow"
    status = 422
    title = "No source of this migration can be followed"
    exit_code = 2
    fix = "Give a data set a source that is a running store (`url = …`, or a SQLite file); a dump never changes."


class LoadNotBesideCaptureError(CaravanError):
    """A load that would write over what a flow has brought, or would be overtaken without anybody noticing."""

    code = "load_not_beside_capture"
    status = 409
    title = "This source cannot be loaded while its changes are followed"
    exit_code = 2
    fix = (
        "Load from the running store that the flow follows, not from a dump; or give the flow up with "
        "`caravan sync release FILE`, begin it again with `caravan sync run FILE`, and load then."
    )


class SnapshotTooOldError(CaravanError):
    code = "snapshot_before_capture"
    status = 409
    title = "The snapshot was taken before the changes were followed"
    fix = "Run the load again: it takes a new snapshot, and what changed in between is in the log."


class TouchedRowError(CaravanError):
    """A changed row of ours that does not tell which record it belongs to."""

    code = "flow_touched_row"
    status = 500
    title = "A changed row does not name its record"
    fix = (
        "Let the capture tell the parent of child rows (REPLICA IDENTITY FULL on the table that the message names), "
        "then run the flow again: it goes on from the last commit."
    )


class LegacyWriteError(CaravanError):
    """``details["transient"]`` tells whether waiting may help."""

    code = "legacy_write_failed"
    status = 502
    title = "The legacy store does not take what is written back"
    fix = "Look at what the store says in the message: rights, room, a rule of its own; then run the flow again."
