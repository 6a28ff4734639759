"""Sums of rows by the bucket of their record's id: ids are hashes, so buckets are about equal, whatever the source's order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeAlias

from caravan.migration.load.mapped_chunk import Loadable
from caravan.migration.mapping.contract import TargetTable
from caravan.migration.verify.encoding import MODULUS, RowEncoder, TableSum

__all__ = ["BUCKETS", "BucketSums", "Totals", "bucket_of", "sums_of"]

BUCKETS: Final = 1024
_SHIFT: Final = 6
Groups: TypeAlias = dict[tuple[str, ...], Decimal]


def bucket_of(row_id: bytes) -> int:
    """Return the bucket of a record: the first ten bits of its id."""
    return int.from_bytes(row_id[:2], "big") >> _SHIFT


class BucketSums:
    """By table and bucket, what its rows come to."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[int, TableSum]] = defaultdict(dict)

    def add(self, other: "BucketSums") -> None:
        """Take in the sums of other rows."""
        for table, buckets in other.tables.items():
            own = self.tables[table]
            for bucket, total in buckets.items():
                own[bucket] = own[bucket] + total if bucket in own else total

    def rows(self, table: str) -> int:
        return sum(total.rows for total in self.tables.get(table, {}).values())

    def as_json(self) -> dict[str, Any]:
        return {
            table: {str(bucket): [total.rows, total.hex] for bucket, total in buckets.items()}
            for table, buckets in self.tables.items()
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Mapping[str, Any]]) -> "BucketSums":
        found = cls()
        for table, buckets in given.items():
            found.tables[table] = {int(at): TableSum.stored(*total) for at, total in buckets.items()}
        return found


@dataclass(slots=True)
class Totals:
    """What pieces of a source come to: records read, records no mapping takes, and the sums of the rows."""

    records: int = 0
    refused: int = 0
    sums: BucketSums = field(default_factory=BucketSums)

    def add(self, other: "Totals") -> None:
        """Take in another piece."""
        self.records += other.records
        self.refused += other.refused
        self.sums.add(other.sums)


def sums_of(
    tables: Iterable[TargetTable], encoders: Mapping[str, RowEncoder], records: Iterable[Loadable]
) -> BucketSums:
    """Return the sums of the records' rows."""
    held = list(records)
    found = BucketSums()
    for table in tables:
        rows: list[tuple[Any, ...]] = []
        buckets: list[int] = []
        for item in held:
            own = item.mapped.rows.get(table.name, ())
            rows += own
            buckets += [bucket_of(item.mapped.id)] * len(own)
        totals: dict[int, list[int]] = {}
        for bucket, (first, second) in zip(buckets, encoders[table.name].lanes(rows), strict=True):
            total = totals.setdefault(bucket, [0, 0, 0])
            total[0] += 1
            total[1] += first
            total[2] += second
        found.tables[table.name] = {
            bucket: TableSum(count, first % MODULUS, second % MODULUS)
            for bucket, (count, first, second) in totals.items()
        }
    return found
