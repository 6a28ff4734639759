"""``caravan verify``: the target against the ledger, the ledger against the source, differences to the field."""

import time
from collections.abc import Iterator

from caravan.migration.load.chunks import Chunk, cut, hashed, known_cuts, records_per_chunk
from caravan.migration.load.differences import differences_of
from caravan.migration.load.journal import Journal, open_journal
from caravan.migration.load.mapped_chunk import ChunkMapper
from caravan.migration.load.packed_keys import unpack
from caravan.migration.load.planning import Plan, PlannedDataSet, plan
from caravan.migration.load.progress import NoProgress, Progress
from caravan.migration.load.readers import Reader, SourceDamaged, SourceUnreadable, TextReader, open_source
from caravan.migration.load.report import Difference, VerifyReport
from caravan.migration.load.request import LoadRequest
from caravan.migration.load.sources import closing_sources, kind_of
from caravan.migration.load.target_check import Mismatch, check_target
from caravan.migration.load.text_chunks import TEXT_ROWS, TextChunk, cut_text, is_of_text, rows_of
from caravan.migration.load.text_plan import text_plan
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
            differences, changed[data_set.name] = _against_source(
                journal, planned, data_set, mismatches, progress
            )
            report.differences += differences
            progress.end()
        report.checks["source"] = {
            "ok": not any(changed.values()),
            "changed_chunks": {name: chunks for name, chunks in changed.items() if chunks},
        }
        report.extra = _extra(journal)
    report.seconds = time.monotonic() - started
    return report


def explain(
    journal: Journal, planned: Plan, data_set: PlannedDataSet, mismatches: list[Mismatch]
) -> list[Difference]:
    """Return the differences behind mismatching chunks; none when the source cannot be read any more."""
    try:
        return _against_source(journal, planned, data_set, mismatches, NoProgress())[0]
    except (SourceUnreadable, SourceDamaged):
        return []


def _against_source(
    journal: Journal,
    planned: Plan,
    data_set: PlannedDataSet,
    mismatches: list[Mismatch],
    progress: Progress,
) -> tuple[list[Difference], list[int]]:
    """Return the differences of mismatching chunks, and the chunks that are not what was loaded."""
    reader = open_source(data_set.place, kind_of(data_set), data_set.rules)
    with closing_sources([reader]):
        return _Comparison(reader, journal, planned, data_set, mismatches).run(progress)


class _Comparison:
    """One data set's ledger against its source, chunk by chunk."""

    def __init__(
        self,
        reader: Reader,
        journal: Journal,
        planned: Plan,
        data_set: PlannedDataSet,
        mismatches: list[Mismatch],
    ) -> None:
        self._reader = reader
        self._journal = journal
        self._data_set = data_set
        self._mapper = ChunkMapper(data_set, reader.format)
        self._ledger = journal.ledger(data_set.name)
        self._dangling = dangling_columns(journal.connection, journal.scope)
        self._text = None
        if any(is_of_text(proven.source_hash) for proven in self._ledger.values()):
            self._text = text_plan(planned, data_set, reader)
        self._tables: dict[int, set[str]] = {}
        for item in mismatches:
            self._tables.setdefault(item.chunk, set()).add(item.table)
        self._unpacked = False

    def run(self, progress: Progress) -> tuple[list[Difference], list[int]]:
        differences: list[Difference] = []
        changed = set(self._ledger)
        for chunk in _readable(self._chunks()):
            if self._is_as_loaded(chunk):
                changed.discard(chunk.number)
            else:
                changed.add(chunk.number)
            if chunk.number in self._tables:
                differences += self._differences(self._records(chunk), self._tables[chunk.number])
            proven = self._ledger.get(chunk.number)
            progress.advance(0 if proven is None else proven.records, self._reader.position())
        return differences, sorted(changed)

    def _chunks(self) -> Iterator[Chunk | TextChunk]:
        records = {number: proven.records for number, proven in self._ledger.items()}
        if self._text is not None and isinstance(self._reader, TextReader):
            known = known_cuts(records, most_records=TEXT_ROWS)
            return cut_text(self._reader, self._data_set.collection, self._text, known)
        most = records_per_chunk(self._reader.format)
        known = known_cuts(records, most_records=most)
        return cut(self._reader.read(self._data_set.collection), known, most_records=most)

    def _is_as_loaded(self, chunk: Chunk | TextChunk) -> bool:
        proven = self._ledger.get(chunk.number)
        if proven is None or proven.stale:
            return False
        if proven.source_hash == chunk.source_hash:
            return True
        if is_of_text(proven.source_hash) == is_of_text(chunk.source_hash):
            return False
        if isinstance(chunk, TextChunk) or is_of_text(chunk.source_hash):
            return hashed(self._records(chunk)).source_hash == proven.source_hash
        # Loaded as text, and this source gives none (a dump of it): the rows themselves tell.
        tables = {table.name for table in self._data_set.mapping.tables}
        return len(chunk.records) == proven.records and not self._differences(chunk, tables)

    def _records(self, chunk: Chunk | TextChunk) -> Chunk:
        if isinstance(chunk, Chunk):
            return chunk
        if not isinstance(self._reader, TextReader):
            raise TypeError("a chunk of text comes from a reader of text")
        return rows_of(self._reader, self._data_set.collection, chunk)

    def _differences(self, chunk: Chunk, tables: set[str]) -> list[Difference]:
        data_set, connection = self._data_set, self._journal.connection
        if not self._unpacked:
            unpack(connection, data_set.org_id, data_set.migration, data_set.name)
            self._unpacked = True
        return list(differences_of(connection, data_set, self._mapper, chunk, tables, self._dangling))


def _readable(chunks: Iterator[Chunk | TextChunk]) -> Iterator[Chunk | TextChunk]:
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
