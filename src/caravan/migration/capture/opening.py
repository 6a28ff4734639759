"""Begins, follows and ends the capture of a source, whatever it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from caravan.migration.capture.changes import ChangeSource, Position
from caravan.migration.capture.errors import CaptureRefusedError
from caravan.migration.capture.options import DEFAULTS, CaptureOptions, Mechanism
from caravan.migration.config.capture import MECHANISMS
from caravan.migration.load.readers import REFUSE_ALL, Rules

__all__ = [
    "capture_statements",
    "mechanism_of",
    "open_changes",
    "prepare_changes",
    "remove_changes",
    "tag_statements",
]

_NATURAL: Final[dict[str, Mechanism]] = {
    "postgresql": "slot",
    "supabase": "slot",
    "mariadb": "binlog",
    "mysql": "binlog",
    "sqlite": "outbox",
    "mongodb": "change-stream",
}


def mechanism_of(kind: str, options: CaptureOptions = DEFAULTS) -> Mechanism:
    """Return how the changes of a kind of source are followed.

    Raises:
        CaptureRefusedError: the source is a file that does not change, or has no such mechanism.
    """
    if kind not in _NATURAL:
        raise CaptureRefusedError(
            f"a source of the kind {kind} does not tell its changes; {', '.join(_NATURAL)} do"
        )
    chosen = _NATURAL[kind] if options.mechanism == "auto" else options.mechanism
    if kind not in MECHANISMS[chosen]:
        fit = ", ".join(name for name, kinds in MECHANISMS.items() if kind in kinds)
        raise CaptureRefusedError(f"a source of the kind {kind} has no {chosen}; it has {fit}")
    return chosen


def prepare_changes(
    kind: str,
    place: str | Path,
    collections: Sequence[str],
    rules: Rules = REFUSE_ALL,
    options: CaptureOptions = DEFAULTS,
) -> Position:
    """Make at the source what the capture needs, and return the position to load and to follow from.

    Whoever opens a snapshot after this call sees all that was committed up to the position; what the snapshot holds beyond it
    is told again and changes nothing. May be called again: what is there is kept.

    Raises:
        CaptureRefusedError: rights or settings are missing; the message names the statements that would help.
        CaptureStoppedError: the source cannot be reached.
    """
    match mechanism_of(kind, options):
        case "slot":
            from caravan.migration.capture.slot.opening import prepare  # noqa: PLC0415 - drivers are extras

            return prepare(str(place), collections, options)
        case "binlog":
            from caravan.migration.capture.binlog.opening import prepare as prepare_binlog  # noqa: PLC0415

            return prepare_binlog(str(place), collections, options)
        case "outbox":
            from caravan.migration.capture.outbox.opening import prepare as prepare_outbox  # noqa: PLC0415

            return prepare_outbox(kind, place, collections, rules, options)
        case "watermark":
            from caravan.migration.capture.watermark import prepare as prepare_watermark  # noqa: PLC0415

            return prepare_watermark(kind, place, collections, rules, options)
        case _:
            from caravan.migration.capture.change_stream.opening import prepare as prepare_stream  # noqa: PLC0415

            return prepare_stream(str(place), collections, options)


def open_changes(
    kind: str,
    place: str | Path,
    collections: Sequence[str],
    rules: Rules = REFUSE_ALL,
    options: CaptureOptions = DEFAULTS,
) -> ChangeSource:
    """Return the changes of these collections; ``place`` is the URL of a server or the path of a file.

    Raises:
        ChangesLostError: what ``prepare_changes`` made is not there.
        CaptureRefusedError: rights or settings are missing.
        CaptureStoppedError: the source cannot be reached.
    """
    match mechanism_of(kind, options):
        case "slot":
            from caravan.migration.capture.slot.source import SlotSource  # noqa: PLC0415 - drivers are extras

            return SlotSource(str(place), collections, rules, options)
        case "binlog":
            from caravan.migration.capture.binlog.source import BinlogSource  # noqa: PLC0415

            return BinlogSource(str(place), collections, rules, options)
        case "outbox":
            from caravan.migration.capture.outbox.opening import opened  # noqa: PLC0415

            return opened(kind, place, collections, rules, options)
        case "watermark":
            from caravan.migration.capture.watermark import WatermarkSource  # noqa: PLC0415

            return WatermarkSource(kind, place, collections, rules, options)
        case _:
            from caravan.migration.capture.change_stream.source import ChangeStreamSource  # noqa: PLC0415

            return ChangeStreamSource(str(place), collections, options)


def capture_statements(
    kind: str, place: str | Path, collections: Sequence[str], options: CaptureOptions = DEFAULTS
) -> list[str]:
    """Return what ``prepare_changes`` runs at the source, for a person to read, or to run it with other rights."""
    match mechanism_of(kind, options):
        case "slot":
            from caravan.migration.capture.slot.opening import statements  # noqa: PLC0415 - drivers are extras

            return statements(str(place), collections, options)
        case "binlog":
            from caravan.migration.capture.binlog.preparing import binlog_statements  # noqa: PLC0415

            return binlog_statements()
        case "outbox":
            from caravan.migration.capture.outbox.opening import statements as outbox_statements  # noqa: PLC0415

            return outbox_statements(kind, place, collections, options)
        case _:
            return []


def remove_changes(
    kind: str, place: str | Path, collections: Sequence[str], options: CaptureOptions = DEFAULTS
) -> None:
    """Take away what ``prepare_changes`` made; the source keeps nothing for us any longer."""
    match mechanism_of(kind, options):
        case "slot":
            from caravan.migration.capture.slot.opening import remove  # noqa: PLC0415 - drivers are extras

            remove(str(place), options)
        case "binlog":
            from caravan.migration.capture.binlog.opening import remove as remove_binlog  # noqa: PLC0415

            remove_binlog(str(place))
        case "outbox":
            from caravan.migration.capture.outbox.opening import remove as remove_outbox  # noqa: PLC0415

            remove_outbox(kind, place, collections, options)
        case _:
            return


def tag_statements(kind: str, tag: str, options: CaptureOptions = DEFAULTS) -> tuple[list[str], list[str]]:
    """Return what an applier runs first and last in each transaction that writes into a source, so that its capture knows it.

    MongoDB is tagged by documents, see ``change_stream.tags``. ``tag`` holds at most 190 characters.
    """
    from caravan.migration.capture.tagging import statements_of  # noqa: PLC0415 - beside its kin

    return statements_of(mechanism_of(kind, options), kind, tag, options)
