"""Preparing, following and removing an outbox by the place of its store."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from caravan.migration.capture.changes import Position
from caravan.migration.capture.keyed import keyed
from caravan.migration.capture.options import CaptureOptions
from caravan.migration.capture.outbox.preparing import (
    open_store,
    outbox_statements,
    prepare_outbox,
    remove_outbox,
)
from caravan.migration.capture.outbox.source import OutboxSource
from caravan.migration.load.readers import REFUSE_ALL, Rules

__all__ = ["opened", "prepare", "remove", "statements"]


def prepare(
    kind: str, place: str | Path, names: Sequence[str], rules: Rules, options: CaptureOptions
) -> Position:
    """See ``prepare_changes``."""
    store, dialect = open_store(kind, place, rules, options.name)
    with closing(store):
        return prepare_outbox(store, dialect, names, options)


def opened(
    kind: str, place: str | Path, names: Sequence[str], rules: Rules, options: CaptureOptions
) -> OutboxSource:
    """See ``open_changes``."""
    store, dialect = open_store(kind, place, rules, options.name)
    try:
        return OutboxSource(store, dialect, names, options)
    except BaseException:
        store.close()
        raise


def statements(kind: str, place: str | Path, names: Sequence[str], options: CaptureOptions) -> list[str]:
    """See ``capture_statements``."""
    store, dialect = open_store(kind, place, REFUSE_ALL, options.name)
    with closing(store):
        return outbox_statements(dialect, keyed(store.tables(names), options.keys))


def remove(kind: str, place: str | Path, names: Sequence[str], options: CaptureOptions) -> None:
    """See ``remove_changes``."""
    store, dialect = open_store(kind, place, REFUSE_ALL, options.name)
    with closing(store):
        remove_outbox(store, dialect, names)
