"""Mappings are checked on start, against their source and against their target, and everything that is wrong is told at once."""

from collections.abc import Iterator, Mapping

import psycopg

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.migration.load.errors import MappingUnfitError
from caravan.migration.load.planning import Plan
from caravan.migration.load.readers import Reader
from caravan.migration.load.source_fit import functions_problems, source_notes, source_problems
from caravan.migration.load.target_fit import target_problems
from caravan.migration.mapping.entity import Entity

__all__ = ["check_mappings", "mapping_notes", "mapping_problems"]


def check_mappings(plan: Plan, readers: Mapping[str, Reader], database: DatabaseAddress) -> None:
    """Return when every mapping of a plan fits its source and its target.

    Raises:
        MappingUnfitError: with one sentence for each thing that does not.
    """
    problems = list(mapping_problems(plan, readers, database))
    if problems:
        raise MappingUnfitError("; ".join(problems), problems=problems)


def mapping_problems(
    plan: Plan, readers: Mapping[str, Reader], database: DatabaseAddress | None
) -> Iterator[str]:
    """Yield what does not fit, one sentence each; without a database the target is left out."""
    for item in plan.data_sets:
        if isinstance(item.mapping, Entity):
            yield from functions_problems(item.mapping)
            yield from source_problems(item.mapping, readers[item.name], item.collection)
    if database is None:
        return
    with psycopg.connect(database.libpq(Role.SYSTEM)) as connection, connection.cursor() as cursor:
        for item in plan.data_sets:
            yield from target_problems(cursor, item.mapping)


def mapping_notes(plan: Plan, readers: Mapping[str, Reader]) -> Iterator[str]:
    """Yield what goes to ``extra`` since no field takes it."""
    for item in plan.data_sets:
        if isinstance(item.mapping, Entity):
            yield from source_notes(item.mapping, readers[item.name], item.collection)
