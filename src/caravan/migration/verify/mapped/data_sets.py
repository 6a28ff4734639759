"""The data sets of a migration verified against their sources as these are now, through the mapping that loaded them.

``caravan verify FILE`` holds target and source against the ledger; this holds them against each other, so it also covers what
changes brought after the load, and needs no ledger.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import psycopg

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.migration.config import MigrationConfig
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.readers import Live, Reader, open_source
from caravan.migration.load.sources import closing_sources, kind_of
from caravan.migration.verify.mapped.buckets import BucketSums, Totals
from caravan.migration.verify.mapped.mappers import Mappers
from caravan.migration.verify.mapped.record_differences import Opened, opened_buckets
from caravan.migration.verify.mapped.source_sums import source_totals
from caravan.migration.verify.mapped.target_rows import TargetRows, target_rows
from caravan.migration.verify.pairs.differences import Found, RowDifference
from caravan.migration.verify.pairs.settling import Patience
from caravan.migration.verify.pairs.walk import Tally
from caravan.migration.verify.report import SubjectReport
from caravan.migration.verify.runs import begun_run

__all__ = ["DataSetRequest", "verify_data_set"]

_APPLIED: Final = (
    "SELECT applied_number FROM engine.flows WHERE org_id = %(org)s AND migration = %(migration)s"
    " AND source = %(source)s AND direction = 'forward'"
)


@dataclass(frozen=True, slots=True)
class DataSetRequest:
    """``patience`` where changes flow meanwhile; ``mappers`` may be shared by data sets."""

    config: MigrationConfig
    database: DatabaseAddress
    data_set: PlannedDataSet
    mappers: Mappers = field(default_factory=lambda: Mappers(0))
    patience: Patience | None = None
    afresh: bool = False
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def verify_data_set(request: DataSetRequest, progress: Callable[[int], None] | None = None) -> SubjectReport:
    """Compare every record of a data set with the rows it should have become.

    Raises:
        SourceUnreadable, SourceCollectionMissing, SourceDamaged: the source cannot be read.
        VerifyRunningError: another process verifies the same data set.
    """
    began = time.monotonic()
    data_set = request.data_set
    named = (data_set.migration, f"data set {data_set.name}", f"{data_set.mapping.version} {data_set.place}")
    with (
        begun_run(request.database, data_set.org_id, *named, afresh=request.afresh) as run,
        _sides(request) as sides,
    ):
        reader, target, applied = sides
        resumable = not isinstance(reader, Live) or reader.snapshot().kind == "file"
        with ThreadPoolExecutor(1, "verify target") as beside:
            asked = beside.submit(target.sums, data_set.mapping.tables)
            source = source_totals(
                data_set,
                reader,
                run,
                request.mappers,
                resumable=resumable and target.homes is None,
                homes=target.homes,
                progress=progress,
            )
            sums = asked.result()
        report = _report(data_set, source, sums)
        buckets = _differing(data_set, source.sums, sums)
        if buckets:
            report.listed = len(buckets)
            _judge(
                request, report, buckets, opened_buckets(data_set, reader, target, buckets), target, applied
            )
        report.seconds = time.monotonic() - began
        run.end(report.verdict, report.kept())
    return report


@contextmanager
def _sides(request: DataSetRequest) -> Iterator[tuple[Reader, TargetRows, int | None]]:
    """Open both snapshots. The position of the flow is read first: what is applied behind it may be newer than the source's."""
    data_set = request.data_set
    applied = _applied(request)
    reader = open_source(data_set.place, kind_of(data_set), data_set.rules)
    with closing_sources([reader]), target_rows(request.database, data_set.scope) as target:
        yield reader, target, applied


def _applied(request: DataSetRequest) -> int | None:
    source = next(item.source for item in request.config.data_sets if item.name == request.data_set.name)
    with psycopg.connect(request.database.libpq(Role.SYSTEM), autocommit=True) as connection:
        row = connection.execute(_APPLIED, {**request.data_set.scope, "source": source}).fetchone()
    return None if row is None else int(row[0])


def _differing(data_set: PlannedDataSet, source: BucketSums, target: BucketSums) -> set[int]:
    differing: set[int] = set()
    for table in data_set.mapping.tables:
        one, other = source.tables.get(table.name, {}), target.tables.get(table.name, {})
        differing |= {at for at in one.keys() | other.keys() if one.get(at) != other.get(at)}
    return differing


def _report(data_set: PlannedDataSet, source: Totals, target: BucketSums) -> SubjectReport:
    tables = data_set.mapping.tables
    return SubjectReport(
        f"data set {data_set.name}",
        key=("legacy key", "table", "row"),
        ways={f"{table.name}.{column.name}": "python" for table in tables for column in table.columns},
        left_rows=sum(source.sums.rows(table.name) for table in tables),
        right_rows=sum(target.rows(table.name) for table in tables),
        chunks=len({at for buckets in target.tables.values() for at in buckets}),
        hashed=source.records,
        lost=_losses(data_set),
    )


def _losses(data_set: PlannedDataSet) -> list[str]:
    losses = getattr(data_set.mapping, "losses", ())
    return [f"{one.source} ({one.lost})" for one in losses]


def _judge(
    request: DataSetRequest,
    report: SubjectReport,
    buckets: set[int],
    opened: Opened,
    target: TargetRows,
    applied: int | None,
) -> None:
    """Believe differences at once, or where changes flow those that stay."""
    moving = target.applied_since(applied, list(opened.by_record)) if applied is not None else set()
    settled = {row_id: found for row_id, found in opened.by_record.items() if row_id not in moving}
    if request.patience is not None and opened.by_record:
        settled, moving = _settle(request, report, buckets, opened, request.patience)
    tally = Tally()
    for found in settled.values():
        tally.take(Found(found))
    report.counts = tally.counts
    report.differences = sorted(tally.differences, key=lambda one: [part or "" for part in one.key])
    report.not_judged = len(moving)


def _settle(
    request: DataSetRequest, report: SubjectReport, buckets: set[int], first: Opened, patience: Patience
) -> tuple[dict[bytes, list[RowDifference]], set[bytes]]:
    """Look at the records that differ again, in new snapshots of both sides, until they are equal or stay as they are."""
    began = request.clock()
    waiting = {row_id: (found, began) for row_id, found in first.by_record.items()}
    settled: dict[bytes, list[RowDifference]] = {}
    while waiting and request.clock() - began < patience.most:
        request.sleep(patience.pause)
        report.generations += 1
        with _sides(request) as (reader, target, applied):
            now = opened_buckets(request.data_set, reader, target, buckets, only=set(waiting)).by_record
            moving = target.applied_since(applied, list(now)) if applied is not None else set()
        at = request.clock()
        for row_id, (found, since) in list(waiting.items()):
            if row_id not in now:
                del waiting[row_id]
            elif row_id in moving or now[row_id] != found:
                waiting[row_id] = (now[row_id], at)
            elif at - since >= patience.bound:
                settled[row_id] = found
                del waiting[row_id]
    return settled, set(waiting)
