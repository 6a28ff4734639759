"""``caravan verify``: the target against the ledger, the ledger against the source, differences to the field."""

import time
from collections.abc import Iterator

from caravan.migration.load.chunks import Chunk, cut, known_cuts, records_per_chunk
from caravan.migration.load.differences import differences_of
from caravan.migration.load.journal import Journal, open_journal
from caravan.migration.load.mapped_chunk import ChunkMapper
from caravan.migration.load.planning import PlannedDataSet, plan
from caravan.migration.load.progress import NoProgress, Progress
from caravan.migration.load.readers import Reader, SourceDamaged, SourceUnreadable, open_source
from caravan.migration.load.report import Difference, VerifyReport
from caravan.migration.load.request import LoadRequest
from caravan.migration.load.sources import closing_sources, kind_of
from caravan.migration.load.target_check import Mismatch, check_target
from caravan.migration.verify import dangling_columns

__all__ = ["explain", "verify"]


def verify(request: LoadRequest, progress: Progress | None = None) -> VerifyReport:
    """Hold the target against ledger and source; changes nothing.

    Raises:
        LoadRunningError: the migration is being loaded.
        SourceUnreadable: the source is not there.
    """
    progress = progress or NoProgress()
    started = time.monotonic()
    tenant = request.tenants(request.config.migration.org, request.config.migration.client)
    planned = plan(request.config, tenant, request.source_override)
    report = VerifyReport(planned.migration)
    with open_journal(request.database, planned.org_id, planned.migration) as journal:
        checked = check_target(request.database, journal, planned, max(1, request.workers))
        report.checks, report.checksums = checked.checks, checked.checksums
        changed: dict[str, list[int]] = {}
        for data_set in planned.data_sets:
            progress.begin(data_set.name, None)
            mismatches = [item for item in checked.mismatches if item.data_set == data_set.name]
            differences, changed[data_set.name] = _against_source(journal, data_set, mismatches, progress)
            report.differences += differences
            progress.end()
        report.checks["source"] = {
            "ok": not any(changed.values()),
            "changed_chunks": {name: chunks for name, chunks in changed.items() if chunks},
        }
        report.extra = _extra(journal)
    report.seconds = time.monotonic() - started
    return report


def explain(journal: Journal, data_set: PlannedDataSet, mismatches: list[Mismatch]) -> list[Difference]:
    """Return the differences behind mismatching chunks; none when the source cannot be read any more."""
    try:
        return _against_source(journal, data_set, mismatches, NoProgress())[0]
    except (SourceUnreadable, SourceDamaged):
        return []


def _against_source(
    journal: Journal, data_set: PlannedDataSet, mismatches: list[Mismatch], progress: Progress
) -> tuple[list[Difference], list[int]]:
    """Return the differences of mismatching chunks, and the chunks that are not what was loaded."""
    reader = open_source(data_set.place, kind_of(data_set), data_set.rules)
    with closing_sources([reader]):
        return _compared(reader, journal, data_set, mismatches, progress)


def _compared(
    reader: Reader, journal: Journal, data_set: PlannedDataSet, mismatches: list[Mismatch], progress: Progress
) -> tuple[list[Difference], list[int]]:
    mapper = ChunkMapper(data_set, reader.format)
    ledger = journal.ledger(data_set.name)
    dangling = dangling_columns(journal.connection, journal.scope)
    tables: dict[int, set[str]] = {}
    for item in mismatches:
        tables.setdefault(item.chunk, set()).add(item.table)
    differences: list[Difference] = []
    changed = set(ledger)
    most = records_per_chunk(reader.format)
    known = known_cuts({number: proven.records for number, proven in ledger.items()}, most_records=most)
    for chunk in _readable(cut(reader.read(data_set.collection), known, most_records=most)):
        proven = ledger.get(chunk.number)
        if proven is not None and proven.source_hash == chunk.source_hash and not proven.stale:
            changed.discard(chunk.number)
        else:
            changed.add(chunk.number)
        if chunk.number in tables:
            differences += differences_of(
                journal.connection, data_set, mapper, chunk, tables[chunk.number], dangling
            )
        progress.advance(len(chunk.records), reader.position())
    return differences, sorted(changed)


def _readable(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Yield chunks up to a damage; what lies behind it was not loaded either, or shows as changed."""
    try:
        yield from chunks
    except SourceDamaged:
        return


def _extra(journal: Journal) -> list[tuple[str, str]]:
    rows = journal.connection.execute(
        "SELECT k.data_set, k.key FROM engine.legacy_keys k WHERE k.org_id = %(org)s AND k.migration = %(migration)s"
        " AND k.chunk IS NULL AND NOT EXISTS (SELECT 1 FROM engine.quarantine q WHERE q.org_id = k.org_id"
        " AND q.row_id = k.row_id) ORDER BY 1, 2",
        journal.scope,
    )
    return [(row[0], row[1]) for row in rows]
