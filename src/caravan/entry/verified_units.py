"""What a verification from the command line says about units: where it covers one whole, its guard is told."""

from collections.abc import Iterator, Mapping, Sequence
from getpass import getuser
from typing import Any, Final

from caravan.core.database import DatabaseAddress
from caravan.entry.migration_database import note_measurements
from caravan.migration.config import DataSet, MigrationConfig, Unit
from caravan.migration.mapping.registry import load_mapping
from caravan.migration.units import Scope, connected
from caravan.migration.verify.report import InvariantResult, SubjectReport
from caravan.migration.verify.sides import TARGET, Side

__all__ = ["applied_positions", "covered_by_records", "covered_by_tables", "tell_guards"]

_APPLIED: Final = "SELECT source, applied_number FROM engine.flows WHERE org_id = %(org)s AND migration = %(migration)s AND direction = 'forward'"


def applied_positions(database: DatabaseAddress, scope: Scope) -> dict[str, int]:
    """Return how far each source was applied; ask before a verification reads: what is applied later it may not have seen."""
    with connected(database, read_only=True) as connection:
        return dict(connection.execute(_APPLIED.encode(), scope.parameters).fetchall())


def covered_by_records(
    config: MigrationConfig,
    found: Mapping[str, SubjectReport],
    invariants: Sequence[InvariantResult] | None,
    positions: Mapping[str, int],
) -> dict[str, dict[str, Any]]:
    """Return the figures of each unit whose data sets were all compared now. ``found`` is by data set.

    What a run that was cut short had judged before is older than the positions: such a run tells no guard.
    """
    figures = {}
    for unit in config.units:
        subjects = [found.get(name) for name in unit.data_sets]
        whole = [one for one in subjects if one is not None and not one.problem and not one.resumed]
        if unit.has_data and len(whole) == len(unit.data_sets):
            figures[unit.name] = _figures(config, unit, whole, positions)
            if invariants is not None:
                figures[unit.name]["invariants"] = sum(one.verdict != "same" for one in invariants)
    return figures


def covered_by_tables(
    config: MigrationConfig,
    left: Side,
    right: Side,
    subject: SubjectReport,
    positions: Mapping[str, int],
) -> dict[str, dict[str, Any]]:
    """Return the figures of each unit whose one data set is this pair of tables, with every column that the mapping fills compared."""
    if subject.problem or subject.resumed:
        return {}
    return {
        unit.name: _figures(config, unit, [subject], positions)
        for unit, item in _of_one_data_set(config)
        if (left.source, left.table) == (item.source, item.collection)
        and right.source == TARGET
        and _is_all_of(item, right.table, subject)
    }


def tell_guards(database: DatabaseAddress, scope: Scope, figures: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the figures down, with an entry of the journal for each unit."""
    with connected(database) as connection:
        note_measurements(connection, scope, "verification", figures, by=getuser())


def _of_one_data_set(config: MigrationConfig) -> Iterator[tuple[Unit, DataSet]]:
    by_name = {item.name: item for item in config.data_sets}
    for unit in config.units:
        if len(unit.data_sets) == 1:
            yield unit, by_name[unit.data_sets[0]]


def _is_all_of(item: DataSet, table: str, subject: SubjectReport) -> bool:
    tables = load_mapping(item.mapping).tables
    filled = {column.name for column in tables[0].columns}
    return len(tables) == 1 and tables[0].name == table and filled <= subject.ways.keys()


def _figures(
    config: MigrationConfig, unit: Unit, subjects: Sequence[SubjectReport], positions: Mapping[str, int]
) -> dict[str, Any]:
    sources = {item.source for item in config.data_sets if item.name in unit.data_sets}
    return {
        "rows": sum(one.left_rows for one in subjects),
        "differing": sum(sum(one.counts.values()) for one in subjects),
        "not_judged": sum(one.not_judged for one in subjects),
        "position": min((positions.get(source, 0) for source in sources), default=0),
    }
