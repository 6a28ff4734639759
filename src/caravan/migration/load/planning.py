"""Which data sets are loaded, from where, by which mapping, in which order."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any
from uuid import UUID

from caravan.core.ids import source_namespace
from caravan.migration.config import ConfigError, DataSet, MigrationConfig
from caravan.migration.load.errors import PlanError
from caravan.migration.load.readers import REFUSE_ALL, Rules
from caravan.migration.load.source_health import Figure
from caravan.migration.mapping.contract import Mapping, MappingContext
from caravan.migration.mapping.registry import load_mapping

__all__ = ["Plan", "PlannedDataSet", "plan"]


@dataclass(frozen=True)
class PlannedDataSet:
    """One data set with everything a process needs to map it; small enough to hand to another process."""

    name: str
    migration: str
    kind: str
    path: Path | None
    collection: str
    mapping_name: str
    context: MappingContext
    url: str | None = None
    rules: Rules = REFUSE_ALL
    pause_above: MappingOf[Figure, float] = field(default_factory=dict)

    @cached_property
    def mapping(self) -> Mapping:
        return load_mapping(self.mapping_name)

    @property
    def place(self) -> Path | str:
        """Where the source is: its path, or its URL."""
        place = self.path if self.url is None else self.url
        if place is None:
            raise ConfigError(f"the source of the data set {self.name} has neither path nor url")
        return place

    @property
    def org_id(self) -> UUID:
        return self.context.org_id

    @property
    def scope(self) -> dict[str, Any]:
        """The parameters that name this data set in SQL."""
        return {"org": self.org_id, "migration": self.migration, "data_set": self.name}

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "mapping"}


@dataclass(frozen=True, slots=True)
class Plan:
    """The data sets of one migration in the order they are loaded."""

    migration: str
    org_id: UUID
    data_sets: tuple[PlannedDataSet, ...]

    @property
    def tables(self) -> MappingOf[str, str]:
        """Every target table with the data set that fills it."""
        return {table.name: item.name for item in self.data_sets for table in item.mapping.tables}


def plan(
    config: MigrationConfig, tenant: tuple[UUID, UUID | None], source_override: Path | None = None
) -> Plan:
    """Return the data sets sorted by ``after`` and, where that leaves a choice, by what they refer to.

    Raises:
        MappingNotFoundError, NotAMappingError: a mapping is not where the file says.
        PlanError: ``after`` goes in a circle.
    """
    planned = {item.name: _planned(config, item, tenant, source_override) for item in config.data_sets}
    order = _order(config, planned)
    return Plan(config.migration.name, tenant[0], tuple(planned[name] for name in order))


def _planned(
    config: MigrationConfig, item: DataSet, tenant: tuple[UUID, UUID | None], override: Path | None
) -> PlannedDataSet:
    source = config.sources[item.source]
    path = override.resolve() if override else config.path_of(item.source)
    org_id, client_id = tenant
    return PlannedDataSet(
        name=item.name,
        migration=config.migration.name,
        kind="auto" if override else source.kind,
        path=path,
        collection=item.collection,
        mapping_name=item.mapping,
        context=MappingContext(org_id, client_id, source_namespace(item.source, org_id), source.timezone),
        url=None if override else source.url,
        rules=Rules(
            zero_dates=source.zero_dates,
            infinite_dates=source.infinite_dates,
            invalid_text=source.invalid_text,
            empty_is_null=source.empty_is_null,
            columns=dict(source.columns),
        ),
        pause_above={} if override else dict(source.pause_above),
    )


def _order(config: MigrationConfig, planned: MappingOf[str, PlannedDataSet]) -> list[str]:
    """Sort; a reference gives way where it would close a circle, since references may be filled later."""
    graph = {item.name: set(item.after) for item in config.data_sets}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise PlanError(f"{config.file}: after goes in a circle: {' → '.join(error.args[1])}") from None
    owner = {table.name: name for name, item in planned.items() for table in item.mapping.tables}
    for name, item in planned.items():
        for table in item.mapping.tables:
            for reference in table.references:
                target = owner.get(reference.table)
                if target is None or target == name or target in graph[name]:
                    continue
                graph[name].add(target)
                if not _sortable(graph):
                    graph[name].discard(target)
    return list(TopologicalSorter(graph).static_order())


def _sortable(graph: MappingOf[str, set[str]]) -> bool:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return False
    return True
