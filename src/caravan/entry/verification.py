"""Verifications as the command line asks for them: what cannot be judged is part of the report, not the end of it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from caravan.core.database import DatabaseAddress
from caravan.core.database.migrate import migrate
from caravan.core.errors import CaravanError
from caravan.entry.verified_units import (
    applied_positions,
    covered_by_records,
    covered_by_tables,
    tell_guards,
)
from caravan.migration.config import ConfigError, MigrationConfig
from caravan.migration.load import DEFAULT_WORKERS
from caravan.migration.load.planning import plan
from caravan.migration.units import Scope
from caravan.migration.verify.invariants import held_invariants
from caravan.migration.verify.mapped.data_sets import DataSetRequest, verify_data_set
from caravan.migration.verify.mapped.mappers import Mappers
from caravan.migration.verify.pairs.settling import Patience
from caravan.migration.verify.report import SubjectReport, VerificationReport
from caravan.migration.verify.sides import side_named
from caravan.migration.verify.table_pairs import TablesRequest, verify_tables

__all__ = ["Wish", "verify_invariants", "verify_pair", "verify_records"]

_TIMES: Final = 12
"""A difference is waited for as long as so many changes may take."""


@dataclass(frozen=True, slots=True)
class Wish:
    """``live``: seconds that a change may take from one side to the other; None where nobody writes."""

    config: MigrationConfig
    database: DatabaseAddress
    org_id: UUID
    client_id: UUID | None
    live: float | None = None
    afresh: bool = False
    connections: int = 2

    @property
    def scope(self) -> Scope:
        """The migration, in its organisation."""
        return Scope(self.org_id, self.config.migration.name)

    @property
    def patience(self) -> Patience | None:
        """How long differences are waited for."""
        return None if self.live is None else Patience(self.live, max(_TIMES * self.live, 10.0))


def verify_pair(
    wish: Wish, left: str, right: str, *, key: Sequence[str], columns: Sequence[str]
) -> VerificationReport:
    """Compare two tables, and tell the guard of a unit that is no more than these; raises what makes that impossible from the start."""
    migrate(wish.database)
    sides = side_named(wish.config, left), side_named(wish.config, right)
    request = TablesRequest(
        wish.config,
        wish.database,
        wish.org_id,
        *sides,
        key=key,
        columns=columns,
        patience=wish.patience,
        afresh=wish.afresh,
        connections=wish.connections,
    )
    began, positions = time.monotonic(), applied_positions(wish.database, wish.scope)
    report = VerificationReport(wish.config.migration.name)
    report.subjects.append(_judged(request.subject, lambda: verify_tables(request)))
    report.guards = covered_by_tables(wish.config, *sides, report.subjects[0], positions)
    tell_guards(wish.database, wish.scope, report.guards)
    report.seconds = time.monotonic() - began
    return report


def verify_records(wish: Wish, names: Sequence[str]) -> VerificationReport:
    """Compare data sets with what they became, and the invariants of the file on both sides; tell the guards of units that are covered.

    Raises:
        ConfigError: the file has no data set of such a name.
    """
    known = [item.name for item in wish.config.data_sets]
    for name in names:
        if name not in known:
            raise ConfigError(f"{name!r} is no data set of {wish.config.file}; there are {', '.join(known)}")
    migrate(wish.database)
    began, positions = time.monotonic(), applied_positions(wish.database, wish.scope)
    report = VerificationReport(wish.config.migration.name)
    found: dict[str, SubjectReport] = {}
    with Mappers(DEFAULT_WORKERS) as mappers:
        for data_set in plan(wish.config, (wish.org_id, wish.client_id)).data_sets:
            if names and data_set.name not in names:
                continue
            request = DataSetRequest(
                wish.config, wish.database, data_set, mappers, wish.patience, afresh=wish.afresh
            )
            verify = partial(verify_data_set, request)
            found[data_set.name] = _judged(f"data set {data_set.name}", verify)
    report.subjects += found.values()
    if not names:
        report.invariants += held_invariants(wish.config, wish.database, wish.org_id)
    invariants = None if names else report.invariants
    report.guards = covered_by_records(wish.config, found, invariants, positions)
    tell_guards(wish.database, wish.scope, report.guards)
    report.seconds = time.monotonic() - began
    return report


def verify_invariants(wish: Wish) -> VerificationReport:
    """Hold the invariants alone: declared figures, rules of mappings, references."""
    migrate(wish.database)
    began = time.monotonic()
    report = VerificationReport(wish.config.migration.name)
    report.invariants += held_invariants(wish.config, wish.database, wish.org_id)
    report.seconds = time.monotonic() - began
    return report


def _judged(subject: str, verify: Callable[[], SubjectReport]) -> SubjectReport:
    try:
        return verify()
    except CaravanError as error:
        return SubjectReport(subject, problem=f"{error.message} ({error.code}; {error.fix})")
