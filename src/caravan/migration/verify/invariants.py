"""What must hold apart from single rows: declared figures of both sides, the mappings' own rules, nothing that points nowhere."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, TypeVar
from uuid import UUID

import psycopg

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.core.errors import CaravanError
from caravan.migration.config import MigrationConfig
from caravan.migration.config.invariants import InvariantPair, Sum
from caravan.migration.mapping.registry import load_mapping
from caravan.migration.verify.answers import Answer, our_answer
from caravan.migration.verify.checks import broken_links, broken_rules, links_of
from caravan.migration.verify.declared_sums import our_sum
from caravan.migration.verify.errors import SideLostError
from caravan.migration.verify.legacy_answers import legacy_store
from caravan.migration.verify.report import InvariantResult, Verdict
from caravan.migration.verify.unequal_answers import unequal

__all__ = ["held_invariants", "held_pair"]

_SHOWN: Final = 100

_Value = TypeVar("_Value")


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
    """Ask for both answers and compare them, the order of rows apart, numbers within the declared tolerance."""
    try:
        if pair.side == "legacy":
            store = legacy_store(config, pair)
            answers = store.summed(_needed(pair.left_sum)), store.summed(_needed(pair.right_sum))
        elif pair.side == "new":
            answers = _our_sum(database, org_id, pair.left_sum), _our_sum(database, org_id, pair.right_sum)
        elif pair.legacy_sum is not None:
            answers = (
                legacy_store(config, pair).summed(pair.legacy_sum),
                _our_sum(database, org_id, pair.new_sum),
            )
        else:
            old, new = _needed(pair.legacy), _needed(pair.new)
            answers = legacy_store(config, pair).answer(old), our_answer(database, new, org_id)
    except CaravanError as error:
        return InvariantResult(pair.name, "not judged", problem=error.message)
    only_left, only_right = unequal(*answers, Decimal(str(pair.tolerance)))
    verdict: Verdict = "different" if only_left or only_right else "same"
    return InvariantResult(pair.name, verdict, len(answers[0]), only_left[:_SHOWN], only_right[:_SHOWN])


def _our_sum(database: DatabaseAddress, org_id: UUID, declared: Sum | None) -> Answer:
    return our_answer(database, our_sum(_needed(declared)), org_id)


def _needed(value: _Value | None) -> _Value:
    if value is None:
        raise SideLostError("half of the pair is missing")  # the file's model does not let it through
    return value


def _broken(name: str, count: int, first: list[str]) -> InvariantResult:
    if not count:
        return InvariantResult(name, "same")
    return InvariantResult(
        name, "different", count, only_right=[(text,) for text in first], problem=f"{count} rows break it"
    )
