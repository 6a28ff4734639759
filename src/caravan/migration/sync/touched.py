"""From changed rows of ours to the records they belong to: a record is written back whole, whichever of its rows was touched."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from caravan.migration.capture.changes import Change, Transaction
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.readers import BrokenRecord, RecordFormat, decode
from caravan.migration.sync.errors import TouchedRowError

__all__ = ["Touched", "TouchedRecords", "captured_keys"]

_ORG: Final = "org_id"
_ID: Final = "id"


def captured_keys(own: Iterable[PlannedDataSet]) -> dict[str, tuple[str, ...]]:
    """Return the tables to capture with the columns that must name each row, also one that is deleted."""
    keys: dict[str, tuple[str, ...]] = {}
    for data_set in own:
        for table in data_set.mapping.tables:
            parents = () if table.parent in (None, _ID) else (table.parent,)
            known = keys.get(table.name, (_ORG, _ID))
            keys[table.name] = (*known, *(parent for parent in parents if parent and parent not in known))
    return keys


@dataclass(slots=True)
class Touched:
    """``records`` are ids by data set; ``emptied`` are data sets whose own table was truncated."""

    records: dict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    emptied: set[str] = field(default_factory=set)


class TouchedRecords:
    """Tells the records of one organisation behind the rows of its data sets' tables.

    A table that several data sets fill tells a record of each: which of them has it is found when it is read.
    """

    def __init__(self, own: Sequence[PlannedDataSet], record_format: RecordFormat) -> None:
        self._format = record_format
        self._org = own[0].org_id
        self._places: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for data_set in own:
            for table in data_set.mapping.tables:
                self._places[table.name].append((data_set.name, table.parent or _ID))

    def of(self, transactions: Iterable[Transaction]) -> Touched:
        """Return what these changed.

        Raises:
            TouchedRowError: a row does not say which record it belongs to.
        """
        touched = Touched()
        for transaction in transactions:
            for change in transaction.changes:
                self._add(change, touched)
        return touched

    def _add(self, change: Change, touched: Touched) -> None:
        places = self._places.get(change.collection, ())
        if change.kind == "truncate":
            touched.emptied.update(name for name, _ in places)
            return
        row = self._row(change)
        if _uuid(change, row, _ORG) != self._org:
            return
        for name, owner in places:
            record = _uuid(change, row, owner)
            if record is not None:
                touched.records[name].add(record)

    def _row(self, change: Change) -> Mapping[str, Any]:
        if change.record is None or isinstance(change.record, BrokenRecord):
            return change.key
        return {**decode(self._format, change.record.raw), **change.key}


def _uuid(change: Change, row: Mapping[str, Any], column: str) -> UUID | None:
    """Return the id in a column; None where it is NULL: the row belongs to a record of another data set."""
    value = row.get(column)
    if isinstance(value, UUID) or (value is None and column in row):
        return value
    if isinstance(value, str):
        return UUID(value)
    raise TouchedRowError(
        f"A {change.kind} of {change.collection} tells {dict(change.key)!r} and no {column}."
    )
