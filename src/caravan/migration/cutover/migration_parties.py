"""The parties of one unit, from the migration file: its old store, our tables, the flows between them."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from caravan.core.database import DatabaseAddress, Role
from caravan.migration.config import MigrationConfig
from caravan.migration.cutover.carried_flow import CarriedFlow
from caravan.migration.cutover.errors import UnitStoreError
from caravan.migration.cutover.fences.mongodb import MongodbFence
from caravan.migration.cutover.fences.postgres import PostgresFence
from caravan.migration.cutover.fences.sqlite import SqliteFence
from caravan.migration.cutover.mapped_verification import MappedVerification
from caravan.migration.cutover.parties import Fence, Parties, Sequences, Store
from caravan.migration.cutover.sequences import MariadbSequences, NoSequences, PostgresSequences
from caravan.migration.load.planning import Plan, PlannedDataSet
from caravan.migration.load.readers import without_password
from caravan.migration.sync import FlowSetting, flow_settings
from caravan.migration.units import Scope

__all__ = ["parties_of"]

_OLD: Final = "the old store"
_NEW: Final = "our tables"


def parties_of(
    config: MigrationConfig, unit: str, plan: Plan, database: DatabaseAddress, *, home: Path
) -> Parties:
    """Return the parties of a unit.

    Raises:
        UnitStoreError: its data is not the whole of one store that can be followed.
        NothingToFollowError: no source of the migration can be.
    """
    forward = flow_settings(config, plan, database, "forward", home=home)
    reverse = flow_settings(config, plan, database, "reverse", home=home)
    source = _source_of(config, unit, forward)
    setting = forward[source]
    tables = _our_tables(setting.own)
    owner = database.libpq(Role.OWNER, application="caravan fence")
    scope = Scope(plan.org_id, plan.migration)
    place = setting.own[0].place
    return Parties(
        Store(_OLD, _old_fence(setting), _old_sequences(setting), _free(place)),
        Store(
            _NEW,
            PostgresFence(owner, tables, only=("org_id", str(plan.org_id))),
            PostgresSequences(database.libpq(Role.OWNER), tables),
        ),
        CarriedFlow(setting),
        CarriedFlow(reverse[source]),
        MappedVerification(config, database, scope, unit, source, setting.own),
        _told(setting, tables),
    )


def _source_of(config: MigrationConfig, unit: str, forward: Mapping[str, FlowSetting]) -> str:
    """A flow carries a store as a whole, so the unit has to be all that is loaded from it, and from no other."""
    declared = config.unit(unit)
    wanted = set(declared.data_sets) if declared else set()
    sources = {item.source for item in config.data_sets if item.name in wanted}
    if len(sources) != 1:
        said = ", ".join(sorted(sources)) or "none"
        raise UnitStoreError(
            f"The data sets of {unit!r} come from {said}; a unit switches the data of one source."
        )
    (source,) = sources
    if source not in forward:
        raise UnitStoreError(
            f"The source {source!r} of {unit!r} does not tell its changes: nothing keeps a copy current."
        )
    others = sorted({data_set.name for data_set in forward[source].own} - wanted)
    if others:
        raise UnitStoreError(
            f"The source {source!r} has data sets that are not of {unit!r}: {', '.join(others)}; they share its flow."
        )
    return source


def _old_fence(setting: FlowSetting) -> Fence:
    first, collections = setting.own[0], setting.capture.collections
    place = first.place
    if isinstance(place, Path):
        return SqliteFence(place, collections, tags=f"{setting.capture.options.name}_tag")
    if setting.capture.kind in {"mariadb", "mysql"}:
        from caravan.migration.cutover.fences.mariadb import MariadbFence  # noqa: PLC0415 - the driver is an extra

        return MariadbFence(place, collections)
    if setting.capture.kind == "mongodb":
        return MongodbFence(place, collections)
    return PostgresFence(place, [_qualified(name) for name in collections])


def _old_sequences(setting: FlowSetting) -> Sequences:
    place, collections = setting.own[0].place, setting.capture.collections
    if isinstance(place, Path) or setting.capture.kind == "mongodb":
        return NoSequences()
    if setting.capture.kind in {"mariadb", "mysql"}:
        return MariadbSequences(place, collections)
    return PostgresSequences(place, [_qualified(name) for name in collections])


def _our_tables(own: Sequence[PlannedDataSet]) -> list[str]:
    names = {table.name for data_set in own for table in data_set.mapping.tables}
    return sorted(_qualified(name) for name in names)


def _qualified(name: str) -> str:
    return name if "." in name else f"public.{name}"


def _free(place: Path | str) -> int | None:
    return shutil.disk_usage(place.parent).free if isinstance(place, Path) else None


def _told(setting: FlowSetting, tables: Sequence[str]) -> Mapping[str, Any]:
    place = setting.own[0].place
    return {
        "source": without_password(place) if isinstance(place, str) else str(place),
        "kind": setting.capture.kind,
        "collections": list(setting.capture.collections),
        "tables": list(tables),
    }
