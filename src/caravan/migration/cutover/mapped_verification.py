"""The verification of a unit as a cutover asks for it: the last whole one, the changed rows at the last moment, sums of both sides.

A whole one is measured by ``measure`` while changes flow. ``prepare`` compares what has changed since, just before clients wait. At the last
moment nothing flows and clients wait: records that a flow had to refuse are told always, and what changed since ``prepare``, or differed
then, is compared.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from caravan.core.database import DatabaseAddress, Role
from caravan.core.kept import Kept
from caravan.migration.config import MigrationConfig
from caravan.migration.cutover.changed_records import differing_records
from caravan.migration.cutover.parties import DirtyCheck, TableSums, Verified
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.readers import open_source
from caravan.migration.load.request import DEFAULT_WORKERS
from caravan.migration.load.sources import closing_sources, kind_of
from caravan.migration.units import Scope, latest_measurements
from caravan.migration.verify.mapped.buckets import BucketSums
from caravan.migration.verify.mapped.data_sets import DataSetRequest, verify_data_set
from caravan.migration.verify.mapped.homes import Homes
from caravan.migration.verify.mapped.mappers import Mappers
from caravan.migration.verify.mapped.source_sums import source_totals
from caravan.migration.verify.mapped.target_rows import target_rows
from caravan.migration.verify.pairs.notebook import Forgetful
from caravan.migration.verify.pairs.settling import Patience

__all__ = ["MappedVerification"]

_MOST_CHANGED: Final = 1_000
"""Records of one data set that are compared while clients wait."""

_MOST_BEFORE: Final = 100_000
_ROUNDS: Final = 4
_LITTLE: Final = 100
_PATIENCE: Final = 20.0
"""Seconds of reading that ``prepare`` may take for one data set."""

_REFUSED: Final = """
SELECT data_set, coalesce(key, row_id::text) FROM engine.quarantine
WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = ANY(%(data_sets)s) AND chunk < 0 ORDER BY 1, 2
"""
_CHANGED: Final = """
SELECT row_id FROM engine.applied WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s
    AND number > %(number)s ORDER BY number DESC LIMIT %(most)s
"""
_APPLIED: Final = """
SELECT coalesce(max(applied_number), 0) FROM engine.flows
WHERE org_id = %(org)s AND migration = %(migration)s AND source = %(source)s AND direction = 'forward'
"""


@dataclass(frozen=True)
class _Since:
    """From where on changed records are still to be compared, and those that differed before: they may have been on their way."""

    number: int
    suspects: Mapping[str, set[bytes]] = field(default_factory=dict)


@dataclass
class MappedVerification:
    """Implements ``Verification`` for all data sets of one source."""

    config: MigrationConfig
    database: DatabaseAddress
    scope: Scope
    unit: str
    source: str
    own: Sequence[PlannedDataSet]
    _prepared: _Since | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._connections = Kept(lambda: _connection(self.database))

    def kept_open(self) -> AbstractContextManager[None]:
        """Keep a connection for all that is asked in the block."""
        return self._connections.kept_open()

    def prepare(self) -> None:
        """Compare what changed since the last whole verification, as it is now: only what changes from here on is left to ``dirty``.

        Looking at much takes long, and more changes meanwhile: it is looked at again until there is little.
        """
        self._prepared = None
        for _ in range(_ROUNDS):
            position = self._position()
            changed = self._changed(_MOST_BEFORE)
            if any(len(ids) >= _MOST_BEFORE for ids in changed.values()):
                return  # the newest are compared at the last moment, as without this
            differing = self._differing(changed, _PATIENCE, moving=True)
            if any(found is None for found in differing.values()):
                return
            suspects = {name: set(found) for name, found in differing.items() if found}
            self._prepared = _Since(position, suspects)
            if sum(map(len, changed.values())) <= _LITTLE:
                return

    def measure(self) -> dict[str, Any]:
        """Compare every record of the unit while changes flow; returns the figures of ``verification``.

        Raises:
            SourceUnreadable, VerifyRunningError: it could not be done.
        """
        position = self._position()
        rows, differing, not_judged = 0, 0, 0
        with Mappers(DEFAULT_WORKERS) as mappers:
            for data_set in self.own:
                request = DataSetRequest(
                    self.config, self.database, data_set, mappers, patience=Patience(), afresh=True
                )
                report = verify_data_set(request)
                rows += report.left_rows
                differing += sum(report.counts.values())
                not_judged += report.not_judged
        return {"rows": rows, "differing": differing, "not_judged": not_judged, "position": position}

    def last(self) -> Verified | None:
        with self._connections.used() as connection:
            found = latest_measurements(connection, self.scope, self.unit).get("verification")
        if found is None:
            return None
        return Verified(found.at, int(found.figures.get("rows", 0)), int(found.figures.get("differing", 0)))

    def dirty(self, *, within: float) -> DirtyCheck:
        """Return what the flows had to refuse, and changed records that differ where there is time to look."""
        differing = self._refused()
        checked = len(differing)
        changed = self._changed(_MOST_CHANGED)
        for name, found in self._differing(changed, within).items():
            checked += len(changed[name]) if found is not None else 0
            differing += [f"{name}: {key}" for key in (found or {}).values()]
        return DirtyCheck(checked, differing)

    def sums(self, side: str) -> Mapping[str, TableSums]:
        """Return the rows of a side, those of the old one as the mapping makes them, and a checksum over their content."""
        return {data_set.name: self._sums(data_set, side) for data_set in self.own}

    def _sums(self, data_set: PlannedDataSet, side: str) -> TableSums:
        if side == "new":
            with target_rows(self.database, data_set.scope) as target:
                found: BucketSums = target.sums(data_set.mapping.tables)
        else:
            reader = open_source(data_set.place, kind_of(data_set), data_set.rules)
            with closing_sources([reader]):
                homes = Homes.of(self.database, data_set.scope)
                found = source_totals(
                    data_set, reader, Forgetful(), Mappers(0), resumable=False, homes=homes
                ).sums
        names = sorted(table.name for table in data_set.mapping.tables)
        known = found.as_json()
        content = json.dumps({name: known.get(name, {}) for name in names}, sort_keys=True)
        return TableSums(sum(map(found.rows, names)), hashlib.sha256(content.encode()).hexdigest())

    def _differing(
        self, changed: Mapping[str, set[bytes]], within: float, *, moving: bool = False
    ) -> dict[str, dict[bytes, str] | None]:
        """Return by data set the keys of changed records that differ, by row id; None where there was no time to look."""
        wanted = [data_set for data_set in self.own if changed[data_set.name]]
        if not wanted:
            return {}
        first = wanted[0]
        reader = open_source(first.place, kind_of(first), first.rules)
        with closing_sources([reader]), self._connections.used() as connection:
            return {
                each.name: differing_records(
                    self.database, connection, each, reader, changed[each.name], within=within, moving=moving
                )
                for each in wanted
            }

    def _refused(self) -> list[str]:
        names = [data_set.name for data_set in self.own]
        with self._connections.used() as connection:
            rows = connection.execute(
                _REFUSED.encode(), {**self.scope.parameters, "data_sets": names}
            ).fetchall()
        return [f"{data_set}: {key}" for data_set, key in rows]

    def _changed(self, most: int) -> dict[str, set[bytes]]:
        """Return the ids of records to compare: what the flow has written since they were compared last, the newest first."""
        with self._connections.used() as connection:
            since = self._prepared or _Since(self._verified_to(connection))
            values = {**self.scope.parameters, "number": since.number, "most": most}
            return {
                data_set.name: since.suspects.get(data_set.name, set())
                | {
                    row[0].bytes
                    for row in connection.execute(_CHANGED.encode(), {**values, "data_set": data_set.name})
                }
                for data_set in self.own
            }

    def _verified_to(self, connection: psycopg.Connection) -> int:
        found = latest_measurements(connection, self.scope, self.unit).get("verification")
        return int(found.figures.get("position", 0)) if found else 0

    def _position(self) -> int:
        with self._connections.used() as connection:
            row = connection.execute(
                _APPLIED.encode(), {**self.scope.parameters, "source": self.source}
            ).fetchone()
        return int(row[0]) if row else 0


def _connection(database: DatabaseAddress) -> psycopg.Connection:
    connection = psycopg.connect(
        database.libpq(Role.SYSTEM, application="caravan migration"), autocommit=True
    )
    connection.read_only = True
    return connection
