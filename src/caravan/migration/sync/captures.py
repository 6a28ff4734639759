"""What a flow reads: the log of one store, for the collections of its data sets; prepared, opened and taken away by its address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from caravan.core.database.connection import DatabaseAddress
from caravan.migration.capture.changes import ChangeSource, Position
from caravan.migration.capture.errors import CaptureRefusedError
from caravan.migration.capture.opening import (
    mechanism_of,
    open_changes,
    prepare_changes,
    remove_changes,
)
from caravan.migration.capture.options import DEFAULTS, CaptureOptions
from caravan.migration.config import MigrationConfig
from caravan.migration.load.planning import Plan, PlannedDataSet
from caravan.migration.load.readers import REFUSE_ALL, Rules
from caravan.migration.load.sources import kind_of
from caravan.migration.mapping.entity import Entity
from caravan.migration.sync.errors import NothingToFollowError
from caravan.migration.sync.touched import captured_keys

__all__ = ["Capture", "capture_of_source", "capture_of_target", "followed_sources", "options_of"]


@dataclass(frozen=True, slots=True)
class Capture:
    """Where changes are read; ``options`` name what is made for it at the source."""

    kind: str
    place: str | Path
    collections: tuple[str, ...]
    rules: Rules = REFUSE_ALL
    options: CaptureOptions = DEFAULTS

    def prepare(self) -> Position:
        """Make what the capture needs; returns the position to follow from."""
        return prepare_changes(self.kind, self.place, self.collections, self.rules, self.options)

    def open(self) -> ChangeSource:
        """Return the log."""
        return open_changes(self.kind, self.place, self.collections, self.rules, self.options)

    def remove(self) -> None:
        """Take away what was made."""
        remove_changes(self.kind, self.place, self.collections, self.options)


def options_of(config: MigrationConfig, source: str) -> CaptureOptions:
    """Return how the file wants the changes of a source to be followed."""
    declared = config.sources[source].capture
    return CaptureOptions(
        mechanism=declared.mechanism,
        identity=declared.identity,
        schema_changes=declared.schema_changes,
        cascades=declared.cascades,
        server_id=declared.server_id,
        watermarks=declared.watermarks,
        overlap=timedelta(seconds=declared.overlap),
        batch=declared.batch,
    )


def followed_sources(config: MigrationConfig, plan: Plan) -> Mapping[str, tuple[PlannedDataSet, ...]]:
    """Return the data sets, in the order of the plan, of each source that tells its changes.

    Raises:
        NothingToFollowError: none does.
    """
    sources = {item.name: item.source for item in config.data_sets}
    found: dict[str, tuple[PlannedDataSet, ...]] = {}
    for data_set in plan.data_sets:
        source = sources[data_set.name]
        if _is_followable(data_set, options_of(config, source)):
            found[source] = (*found.get(source, ()), data_set)
    if not found:
        kinds = ", ".join(sorted({f"{name} ({source.kind})" for name, source in config.sources.items()}))
        raise NothingToFollowError(f"The sources {kinds} do not tell their changes.")
    return found


def capture_of_source(
    migration: str, own: Sequence[PlannedDataSet], options: CaptureOptions = DEFAULTS
) -> Capture:
    """Return the capture of the legacy store that these data sets come from."""
    first = own[0]
    names = tuple(dict.fromkeys(each.collection for each in own))
    chosen = replace(
        options, name=_name(migration, options.name), columns={**_needed_columns(own), **options.columns}
    )
    return Capture(kind_of(first), first.place, names, first.rules, chosen)


def _needed_columns(own: Sequence[PlannedDataSet]) -> dict[str, frozenset[str]]:
    """Return, per collection, the columns that the mappings name: without one of them changes would come with holes."""
    found: dict[str, frozenset[str]] = {}
    for data_set in own:
        if isinstance(mapping := data_set.mapping, Entity):
            fields = [*mapping.main.fields, *(field for side in mapping.sides for field in side.fields)]
            named = {field.source for field in fields} | set(mapping.main.key)
            named |= {child.source for child in mapping.children}
            found[data_set.collection] = found.get(data_set.collection, frozenset()) | named
    return found


def capture_of_target(
    migration: str, source: str, address: DatabaseAddress, own: Sequence[PlannedDataSet]
) -> Capture:
    """Return the capture of our tables that these data sets fill; each row of theirs names its record."""
    keys = captured_keys(own)
    options = CaptureOptions(name=_name(f"{migration}_{source}", "caravan_back"), identity="full", keys=keys)
    return Capture("postgresql", address.url, tuple(keys), REFUSE_ALL, options)


def _is_followable(data_set: PlannedDataSet, options: CaptureOptions) -> bool:
    try:
        mechanism_of(kind_of(data_set), options)
    except CaptureRefusedError:
        return False
    return True


def _name(migration: str, name: str) -> str:
    """Return a name that a slot, a publication and a trigger may have."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in migration.lower())
    return f"{name}_{plain}"[:48]
