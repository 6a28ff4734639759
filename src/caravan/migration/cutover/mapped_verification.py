"""The verification of a unit as a cutover asks for it: the last whole one, the changed rows at the last moment, sums of both sides.

A whole one is measured by ``measure`` while changes flow. At the last moment nothing flows and clients wait: records that a flow had to
refuse are told always; changed records are compared where the source is small enough to be read through in time, since readers read
a collection from its beginning.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from caravan.core.database import DatabaseAddress
from caravan.migration.config import MigrationConfig
from caravan.migration.cutover.parties import DirtyCheck, TableSums, Verified
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.readers import open_source
from caravan.migration.load.request import DEFAULT_WORKERS
from caravan.migration.load.sources import closing_sources, kind_of
from caravan.migration.units import Scope, connected, latest_measurements
from caravan.migration.verify.mapped.buckets import BUCKETS, BucketSums
from caravan.migration.verify.mapped.data_sets import DataSetRequest, verify_data_set
from caravan.migration.verify.mapped.homes import Homes
from caravan.migration.verify.mapped.mappers import Mappers
from caravan.migration.verify.mapped.record_differences import opened_buckets
from caravan.migration.verify.mapped.source_sums import source_totals
from caravan.migration.verify.mapped.target_rows import target_rows
from caravan.migration.verify.pairs.notebook import Forgetful
from caravan.migration.verify.pairs.settling import Patience

__all__ = ["MappedVerification"]

_READABLE_PER_SECOND: Final = 20_000
"""Records that are surely read and mapped in a second."""

_MOST_CHANGED: Final = 1_000

_REFUSED: Final = """
SELECT data_set, coalesce(key, row_id::text) FROM engine.quarantine
WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = ANY(%(data_sets)s) AND chunk < 0 ORDER BY 1, 2
"""
_CHANGED: Final = """
SELECT row_id FROM engine.applied WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = %(data_set)s
    AND number > %(number)s ORDER BY number DESC LIMIT %(most)s
"""
_KNOWN: Final = """
SELECT count(*) FROM (SELECT FROM engine.legacy_keys WHERE org_id = %(org)s AND migration = %(migration)s
    AND data_set = %(data_set)s LIMIT %(most)s) AS known
"""
_APPLIED: Final = """
SELECT coalesce(max(applied_number), 0) FROM engine.flows
WHERE org_id = %(org)s AND migration = %(migration)s AND source = %(source)s AND direction = 'forward'
"""


@dataclass(frozen=True, slots=True)
class MappedVerification:
    """Implements ``Verification`` for all data sets of one source."""

    config: MigrationConfig
    database: DatabaseAddress
    scope: Scope
    unit: str
    source: str
    own: Sequence[PlannedDataSet]

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
        with connected(self.database, read_only=True) as connection:
            found = latest_measurements(connection, self.scope, self.unit).get("verification")
        if found is None:
            return None
        return Verified(found.at, int(found.figures.get("rows", 0)), int(found.figures.get("differing", 0)))

    def dirty(self, *, within: float) -> DirtyCheck:
        """Return what the flows had to refuse, and changed records that differ where there is time to look."""
        differing = self._refused()
        checked = len(differing)
        changed = self._changed()
        for data_set in self.own:
            ids = changed[data_set.name]
            if ids:
                found = self._compared(data_set, ids, within)
                checked += len(ids) if found is not None else 0
                differing += found or []
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

    def _compared(self, data_set: PlannedDataSet, ids: set[bytes], within: float) -> list[str] | None:
        """Return the keys of changed records that differ; None where the source is too large to be read in time."""
        if not self._is_small(data_set, int(within * _READABLE_PER_SECOND)):
            return None
        reader = open_source(data_set.place, kind_of(data_set), data_set.rules)
        with closing_sources([reader]), target_rows(self.database, data_set.scope) as target:
            opened = opened_buckets(data_set, reader, target, range(BUCKETS), only=ids)
        return [f"{data_set.name}: {found[0].key[0]}" for found in opened.by_record.values() if found]

    def _is_small(self, data_set: PlannedDataSet, most: int) -> bool:
        """Tell whether we know of at most so many records: what their source says of its size is but an estimate."""
        with connected(self.database, read_only=True) as connection:
            row = connection.execute(_KNOWN.encode(), {**data_set.scope, "most": most + 1}).fetchone()
        return row is not None and int(row[0]) <= most

    def _refused(self) -> list[str]:
        names = [data_set.name for data_set in self.own]
        with connected(self.database, read_only=True) as connection:
            rows = connection.execute(
                _REFUSED.encode(), {**self.scope.parameters, "data_sets": names}
            ).fetchall()
        return [f"{data_set}: {key}" for data_set, key in rows]

    def _changed(self) -> dict[str, set[bytes]]:
        """Return the ids of records that the flow has written since the last whole verification."""
        with connected(self.database, read_only=True) as connection:
            found = latest_measurements(connection, self.scope, self.unit).get("verification")
            number = int(found.figures.get("position", 0)) if found else 0
            values = {**self.scope.parameters, "number": number, "most": _MOST_CHANGED}
            return {
                data_set.name: {
                    row[0].bytes
                    for row in connection.execute(_CHANGED.encode(), {**values, "data_set": data_set.name})
                }
                for data_set in self.own
            }

    def _position(self) -> int:
        with connected(self.database, read_only=True) as connection:
            row = connection.execute(
                _APPLIED.encode(), {**self.scope.parameters, "source": self.source}
            ).fetchone()
        return int(row[0]) if row else 0
