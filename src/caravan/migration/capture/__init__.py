"""Changes of a running store, read from its own log, from triggers, or by a watermark. The one door of this room."""

from caravan.migration.capture.changes import Change, ChangeKind, ChangeSource, Position, Transaction
from caravan.migration.capture.errors import (
    CaptureRefusedError,
    CaptureStoppedError,
    ChangesLostError,
    ChangesUnreadableError,
)
from caravan.migration.capture.looking import Offer, look
from caravan.migration.capture.opening import (
    capture_statements,
    mechanism_of,
    open_changes,
    prepare_changes,
    remove_changes,
    tag_statements,
)
from caravan.migration.capture.options import CaptureOptions, Mechanism
from caravan.migration.capture.snapshots import position_of_snapshot

__all__ = [
    "CaptureOptions",
    "CaptureRefusedError",
    "CaptureStoppedError",
    "Change",
    "ChangeKind",
    "ChangeSource",
    "ChangesLostError",
    "ChangesUnreadableError",
    "Mechanism",
    "Offer",
    "Position",
    "Transaction",
    "capture_statements",
    "look",
    "mechanism_of",
    "open_changes",
    "position_of_snapshot",
    "prepare_changes",
    "remove_changes",
    "tag_statements",
]
