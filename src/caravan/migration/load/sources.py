"""The sources of a plan, opened once each and known to have what the data sets ask for."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from caravan.migration.config import ConfigError
from caravan.migration.load.planning import Plan, PlannedDataSet
from caravan.migration.load.readers import (
    Live,
    Reader,
    SourceDamaged,
    SourceKind,
    TableReader,
    open_source,
    without_password,
)
from caravan.migration.load.side_by_side import read_side_by_side

__all__ = ["closing_sources", "file_of", "kind_of", "open_sources", "snapshot_notes"]


def kind_of(data_set: PlannedDataSet) -> SourceKind:
    """Return the kind of a data set's source; raises ``ConfigError`` for one that no reader knows."""
    for kind in get_args(SourceKind):
        if kind == data_set.kind:
            known: SourceKind = kind
            return known
    raise ConfigError(
        f"sources: kind {data_set.kind!r} of the data set {data_set.name} is not known;"
        f" write one of {', '.join(get_args(SourceKind))}"
    )


def open_sources(plan: Plan, *, processes: int = 0) -> dict[str, Reader]:
    """Return the reader of each data set; ``processes`` may read large live tables side by side.

    Raises:
        ConfigError: the kind of a source is not known.
        SourceUnreadable: a source is not there or not readable.
        SourceCollectionMissing: a source lacks a collection.
    """
    opened: dict[tuple[Path | str, str], Reader] = {}
    readers = {}
    try:
        for data_set in plan.data_sets:
            place = (data_set.place, data_set.kind)
            if place not in opened:
                opened[place] = _opened(data_set, processes)
            readers[data_set.name] = opened[place]
            _look_in(opened[place], data_set.collection)
    except BaseException:
        close_all(opened.values())
        raise
    return readers


def _opened(data_set: PlannedDataSet, processes: int) -> Reader:
    reader = open_source(data_set.place, kind_of(data_set), data_set.rules)
    if isinstance(data_set.place, str) and isinstance(reader, TableReader):
        return read_side_by_side(reader, data_set.place, kind_of(data_set), processes)
    return reader


@contextmanager
def closing_sources(readers: Iterable[Reader]) -> Iterator[None]:
    """End the snapshots of live sources when the block does."""
    try:
        yield
    finally:
        close_all(readers)


def close_all(readers: Iterable[Reader]) -> None:
    """Close what holds a connection; a reader of files holds nothing between two reads."""
    for reader in {id(reader): reader for reader in readers}.values():
        if isinstance(reader, Live):
            reader.close()


def snapshot_notes(planned: Plan, readers: Mapping[str, Reader]) -> Iterator[str]:
    """Yield what is to be kept of running sources that have no snapshot: once each."""
    places = {
        item.place: None
        for item in planned.data_sets
        if isinstance(reader := readers[item.name], Live) and not reader.snapshot().consistent
    }
    for place in places:
        yield (
            f"{without_password(str(place))} has no snapshots: until the load has ended nobody may write there, or its changes"
            " must be followed"
        )


def file_of(reader: Reader, data_set: PlannedDataSet) -> str:
    """Return the file that holds the data set's collection."""
    info = reader.collections().get(data_set.collection)
    if info is not None and info.files:
        return str(info.files[0])
    return without_password(data_set.place) if isinstance(data_set.place, str) else str(data_set.place)


def _look_in(reader: Reader, collection: str) -> None:
    """Ask for the first record, so that a missing collection is known before anything is loaded."""
    if collection in reader.collections():
        return
    try:
        next(iter(reader.read(collection)), None)
    except SourceDamaged:
        return
