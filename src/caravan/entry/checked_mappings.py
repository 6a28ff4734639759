"""What a migration file's mappings do not fit: the stores that can be reached now are asked, and nothing is started or changed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import psycopg

from caravan.core.database import DatabaseAddress, Role
from caravan.core.errors import CaravanError
from caravan.core.settings import load_settings
from caravan.migration.config import MigrationConfig
from caravan.migration.config.positions import Place
from caravan.migration.load.mapping_check import mapping_problems
from caravan.migration.load.planning import Plan, plan
from caravan.migration.load.sources import closing_sources, open_sources
from caravan.migration.mapping.registry import load_mapping

__all__ = ["Finding", "mapping_findings", "reachable_findings"]

_NOBODY: Final = UUID(int=0)
_SCHEMA: Final = "SELECT to_regclass('public.alembic_version') IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Finding:
    """``wrong``: the load would refuse it; else it says what could not be looked at. ``said`` begins behind the place's name."""

    place: Place
    said: str
    wrong: bool


def reachable_findings(config: MigrationConfig) -> Iterator[Finding]:
    """Yield the findings against the database of this installation's settings, where one is named."""
    url = load_settings().database_url
    yield from mapping_findings(config, DatabaseAddress.parse(url) if url else None)


def mapping_findings(config: MigrationConfig, database: DatabaseAddress | None) -> Iterator[Finding]:
    """Yield what is wrong with each data set's mapping, and what could not be asked. ``database`` None leaves the target out."""
    missing = list(_missing(config))
    yield from missing
    if missing or not config.data_sets:
        return
    try:
        planned = plan(config, (_NOBODY, None))
    except CaravanError as error:
        yield Finding(("data_sets",), error.message, wrong=True)
        return
    target, unasked = _target(database)
    if unasked:
        yield Finding(("data_sets",), f"the target was not looked at: {unasked}", wrong=False)
    numbers = {item.name: number for number, item in enumerate(config.data_sets)}
    for item in planned.data_sets:
        yield from _of_one(replace(planned, data_sets=(item,)), target, numbers[item.name])


def _missing(config: MigrationConfig) -> Iterator[Finding]:
    for number, item in enumerate(config.data_sets):
        try:
            load_mapping(item.mapping)
        except CaravanError as error:
            yield Finding(("data_sets", number, "mapping"), error.message, wrong=True)


def _of_one(planned: Plan, target: DatabaseAddress | None, number: int) -> Iterator[Finding]:
    try:
        readers = open_sources(planned)
    except CaravanError as error:
        said = f"the mapping was not held against its source: {error.message}"
        yield Finding(("data_sets", number, "source"), said, wrong=False)
        return
    with closing_sources(readers.values()):
        for problem in mapping_problems(planned, readers, target):
            yield Finding(("data_sets", number, "mapping"), problem, wrong=True)


def _target(database: DatabaseAddress | None) -> tuple[DatabaseAddress | None, str]:
    """Return the database when it answers and has our schema, else why it is left out."""
    if database is None:
        return None, "DATABASE_URL is not set"
    try:
        with psycopg.connect(
            database.libpq(Role.SYSTEM, application="caravan check"), connect_timeout=5
        ) as connection:
            there = connection.execute(_SCHEMA).fetchone()
    except psycopg.Error as error:
        return None, str(error).strip().splitlines()[0]
    return (
        (database, "") if there == (True,) else (None, "it has no schema yet; `caravan db migrate` makes it")
    )
