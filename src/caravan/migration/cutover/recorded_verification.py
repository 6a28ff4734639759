"""What is known of a unit's verification: the last whole one as it was measured, and records that a flow could not apply."""

from collections.abc import Mapping, Sequence
from typing import Final

from caravan.core.database import DatabaseAddress
from caravan.migration.cutover.parties import DirtyCheck, TableSums, Verified
from caravan.migration.units import Scope, connected, latest_measurements

__all__ = ["RecordedVerification"]

_BY_FLOWS: Final = 0
"""Chunks of records that a load has refused count from 0; those of flows are below."""

_REFUSED: Final = """
SELECT data_set, coalesce(key, row_id::text) FROM engine.quarantine
WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = ANY(%(data_sets)s) AND chunk < %(first)s ORDER BY 1, 2
"""
_LOADED: Final = """
SELECT data_set, count(*), md5(string_agg(row_id::text, ' ' ORDER BY row_id)) FROM engine.legacy_keys
WHERE org_id = %(org)s AND migration = %(migration)s AND data_set = ANY(%(data_sets)s) GROUP BY 1
"""


class RecordedVerification:
    """Implements ``Verification`` for a unit. It compares nothing by itself: the sums of both sides are those of the keys we hold."""

    def __init__(self, address: DatabaseAddress, scope: Scope, unit: str, data_sets: Sequence[str]) -> None:
        self._address, self._scope, self._unit = address, scope, unit
        self._data_sets = list(data_sets)

    def last(self) -> Verified | None:
        with connected(self._address, read_only=True) as connection:
            found = latest_measurements(connection, self._scope, self._unit).get("verification")
        if found is None:
            return None
        return Verified(found.at, int(found.figures.get("rows", 0)), int(found.figures.get("differing", 0)))

    def dirty(self, *, within: float) -> DirtyCheck:
        """Return what the flows had to refuse: such a record is on one side only."""
        with connected(self._address, read_only=True) as connection:
            connection.execute(f"SET statement_timeout = {max(50, int(within * 1000))}".encode())
            rows = connection.execute(_REFUSED.encode(), {**self._here, "first": _BY_FLOWS}).fetchall()
        return DirtyCheck(len(rows), [f"{data_set}: {key}" for data_set, key in rows])

    def sums(self, side: str) -> Mapping[str, TableSums]:  # noqa: ARG002 - the same for both
        with connected(self._address, read_only=True) as connection:
            rows = connection.execute(_LOADED.encode(), self._here).fetchall()
        return {data_set: TableSums(count, checksum) for data_set, count, checksum in rows}

    @property
    def _here(self) -> dict[str, object]:
        return {**self._scope.parameters, "data_sets": self._data_sets}
