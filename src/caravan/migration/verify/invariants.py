"""What must hold apart from single rows: declared figures of both sides, the mappings' own rules, nothing that points nowhere."""

from collections import Counter
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.core.errors import CaravanError
from caravan.migration.config import MigrationConfig
from caravan.migration.config.invariants import InvariantPair
from caravan.migration.mapping.registry import load_mapping
from caravan.migration.verify.answers import (
    Answer,
    mariadb_answer,
    our_answer,
    postgres_answer,
    sqlite_answer,
)
from caravan.migration.verify.checks import broken_links, broken_rules, links_of
from caravan.migration.verify.errors import SideLostError
from caravan.migration.verify.report import InvariantResult, Verdict

__all__ = ["held_invariants", "held_pair"]

_SHOWN: Final = 100
_POSTGRES: Final = frozenset({"postgresql", "postgres", "supabase"})
_MARIADB: Final = frozenset({"mysql", "mariadb"})


def held_invariants(
    config: MigrationConfig, database: DatabaseAddress, org_id: UUID
) -> Iterator[InvariantResult]:
    """Yield one result per declared pair, then per rule of each mapping, then per reference."""
    for pair in config.invariants:
        yield held_pair(config, database, org_id, pair)
    with psycopg.connect(
        database.libpq(Role.SYSTEM, application="caravan verify"), autocommit=True
    ) as connection:
        for data_set in config.data_sets:
            mapping = load_mapping(data_set.mapping)
            for name, outcome in broken_rules(connection, org_id, mapping).items():
                yield _broken(f"{data_set.name}: {name}", outcome["broken"], outcome["first"])
            for link, count in broken_links(connection, org_id, links_of(mapping.tables)).items():
                yield _broken(f"{data_set.name}: {link}", count, [])


def held_pair(
    config: MigrationConfig, database: DatabaseAddress, org_id: UUID, pair: InvariantPair
) -> InvariantResult:
    """Ask both sides and compare their answers, the order of rows apart."""
    try:
        old = _legacy_answer(config, pair)
        new = our_answer(database, pair.new, org_id)
    except CaravanError as error:
        return InvariantResult(pair.name, "not judged", problem=error.message)
    counts, other_counts = Counter(old), Counter(new)
    only_left, only_right = _listed(counts - other_counts), _listed(other_counts - counts)
    verdict: Verdict = "different" if only_left or only_right else "same"
    return InvariantResult(pair.name, verdict, len(old), only_left, only_right)


def _listed(rows: "Counter[tuple[str | None, ...]]") -> list[tuple[str | None, ...]]:
    return sorted(rows.elements(), key=lambda row: [text or "" for text in row])[:_SHOWN]


def _legacy_answer(config: MigrationConfig, pair: InvariantPair) -> Answer:
    name = pair.source or (next(iter(config.sources)) if len(config.sources) == 1 else None)
    if name is None:
        raise SideLostError(f"the invariant {pair.name} names no source, and there are several; add source")
    source = config.sources[name]
    if source.url is not None:
        kind = urlsplit(source.url).scheme if source.kind == "auto" else source.kind
        if kind in _POSTGRES:
            return postgres_answer("postgresql://" + source.url.partition("://")[2], pair.legacy)
        if kind in _MARIADB:
            return mariadb_answer(source.url, pair.legacy)
    path = config.path_of(name)
    if path is not None and path.is_file():
        return sqlite_answer(path, pair.legacy)
    raise SideLostError(f"the source {name} holds no tables that answer SQL")


def _broken(name: str, count: int, first: list[str]) -> InvariantResult:
    if not count:
        return InvariantResult(name, "same")
    return InvariantResult(
        name, "different", count, only_right=[(text,) for text in first], problem=f"{count} rows break it"
    )
