"""Repairs, when somebody asks for one: differing records are read from the source again and written by the load itself.

The chunks of the ledger that hold them are called stale, and a load is run: what it writes goes through the mapping, staging and
ledger as ever, so a repair may be repeated, or cut short and run again. Rows that only the target has are listed and left: nothing is
deleted. Nothing is written to a side that has write authority.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from caravan.core.database.connection import Role
from caravan.core.ids import uuid7
from caravan.migration.config import MigrationConfig
from caravan.migration.load import LoadRequest, run_load
from caravan.migration.load.planning import PlannedDataSet, plan
from caravan.migration.units.states import STATES, SWITCHED
from caravan.migration.verify.errors import RepairRefusedError
from caravan.migration.verify.mapped.data_sets import DataSetRequest, verify_data_set
from caravan.migration.verify.report import SubjectReport

__all__ = ["RepairOutcome", "RepairPlan", "plan_repair", "repair"]

_STATES: Final = "SELECT unit, state FROM engine.units WHERE org_id = %(org)s AND migration = %(migration)s"
_CHUNKS: Final = (
    "SELECT key, chunk FROM engine.legacy_keys WHERE org_id = %(org)s AND migration = %(migration)s"
    " AND data_set = %(data_set)s AND key = ANY(%(keys)s)"
)
_STALE: Final = (
    "UPDATE engine.ledger SET stale = true WHERE org_id = %(org)s AND migration = %(migration)s"
    " AND data_set = %(data_set)s AND chunk = ANY(%(chunks)s)"
)
_BEGIN: Final = "INSERT INTO engine.verify_repairs (org_id, id, migration, plan, by) VALUES (%(org)s, %(id)s, %(migration)s, %(plan)s, %(by)s)"
_END: Final = "UPDATE engine.verify_repairs SET finished_at = now(), outcome = %(outcome)s WHERE org_id = %(org)s AND id = %(id)s"


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """What a repair of one data set would do. ``records`` are written again with the ``chunks`` they are in.

    ``new`` are in the source alone and come with the load. ``left`` are in the target alone: somebody has to look at them.
    """

    data_set: str
    records: Sequence[str]
    chunks: Sequence[int]
    new: Sequence[str]
    left: Sequence[str]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.chunks or self.new)


@dataclass(frozen=True, slots=True)
class RepairOutcome:
    """``after`` is the verification behind the repair."""

    loaded: int
    after: Sequence[SubjectReport]


def plan_repair(request: LoadRequest) -> list[RepairPlan]:
    """Verify every data set and return what would be written; changes nothing.

    Raises:
        RepairRefusedError: the new side has write authority over a data set that differs.
    """
    plans = []
    for data_set in _data_sets(request):
        report = verify_data_set(DataSetRequest(request.config, request.database, data_set))
        if not report.differences:
            continue
        _refuse_authority(request, data_set)
        plans.append(_planned(request, data_set, report))
    return plans


def repair(request: LoadRequest, plans: Sequence[RepairPlan], *, by: str) -> RepairOutcome:
    """Do what the plans say, note it, and verify what was repaired.

    Raises:
        RepairRefusedError: the new side has taken write authority since the plan was made.
        LoadRunningError: the migration is being loaded.
    """
    data_sets = {item.name: item for item in _data_sets(request)}
    for one in plans:
        _refuse_authority(request, data_sets[one.data_set])
    with _connected(request) as connection:
        named = {**next(iter(data_sets.values())).scope, "id": uuid7()}
        journaled = {"data_sets": [asdict(one) for one in plans]}
        connection.execute(_BEGIN, {**named, "plan": Jsonb(journaled), "by": by})
        for one in plans:
            values = {**data_sets[one.data_set].scope, "chunks": list(one.chunks)}
            connection.execute(_STALE, values)
        loaded = run_load(request)
        after = [
            verify_data_set(DataSetRequest(request.config, request.database, data_sets[one.data_set]))
            for one in plans
        ]
        written = sum(item.loaded for item in loaded.data_sets.values())
        outcome = {
            "loaded": written,
            "status": loaded.status,
            "after": {one.subject: one.verdict for one in after},
        }
        connection.execute(_END, {**named, "outcome": Jsonb(outcome)})
    return RepairOutcome(written, after)


def _data_sets(request: LoadRequest) -> Sequence[PlannedDataSet]:
    tenant = request.tenants(request.config.migration.org, request.config.migration.client)
    return plan(request.config, tenant, request.source_override).data_sets


def _planned(request: LoadRequest, data_set: PlannedDataSet, report: SubjectReport) -> RepairPlan:
    kinds: dict[str, set[str]] = {}
    for one in report.differences:
        kinds.setdefault(one.key[0] or "", set()).add(f"{one.kind} {one.key[1]}")
    own = data_set.mapping.tables[0].name
    left = sorted(key for key, found in kinds.items() if f"extra {own}" in found)
    wanted = sorted(kinds.keys() - set(left))
    with _connected(request) as connection:
        rows = connection.execute(_CHUNKS, {**data_set.scope, "keys": wanted}).fetchall()
    chunks = {key: chunk for key, chunk in rows if chunk is not None}
    return RepairPlan(
        data_set.name,
        [key for key in wanted if key in chunks],
        sorted(set(chunks.values())),
        [key for key in wanted if key not in chunks],
        left,
    )


def _refuse_authority(request: LoadRequest, data_set: PlannedDataSet) -> None:
    with _connected(request) as connection:
        states: Mapping[str, int] = dict(connection.execute(_STATES, data_set.scope).fetchall())
    for unit in _units_of(request.config, data_set.name):
        if states.get(unit, 0) >= SWITCHED:
            raise RepairRefusedError(
                f"the data set {data_set.name} belongs to the unit {unit}, which is {STATES[states[unit]].name}:"
                " the new side has write authority, and the old one must not be written over it"
            )


def _units_of(config: MigrationConfig, data_set: str) -> Iterator[str]:
    for unit in config.units:
        if data_set in unit.data_sets:
            yield unit.name


@contextmanager
def _connected(request: LoadRequest) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(
        request.database.libpq(Role.SYSTEM, application="caravan repair"), autocommit=True
    ) as connection:
        yield connection
