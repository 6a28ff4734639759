"""One data set from its first record to its last: proven chunks are skipped, the others go to the workers."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from caravan.migration.load.chunk_commit import ChunkResult, Job
from caravan.migration.load.chunks import CHUNK_ROWS, Chunk, cut, known_cuts, records_per_chunk
from caravan.migration.load.journal import Journal, Proven
from caravan.migration.load.packed_keys import unpack
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.pool import Pool
from caravan.migration.load.progress import Progress
from caravan.migration.load.readers import BrokenRecord, Reader, Record, SourceDamaged, TextReader
from caravan.migration.load.source_health import Health
from caravan.migration.load.text_chunks import TEXT_ROWS, TextChunk, cut_text, rows_of
from caravan.migration.load.worker import Task

__all__ = ["DataSetPass", "Outcome"]


@dataclass(slots=True)
class Outcome:
    """What a pass did. ``damage`` is why the source could not be read to its end."""

    read: int = 0
    loaded: int = 0
    unchanged: int = 0
    quarantined: int = 0
    seconds: float = 0.0
    chunks: int = 0
    damage: SourceDamaged | None = None
    dry: list[ChunkResult] = field(default_factory=list)

    def add(self, result: ChunkResult) -> None:
        self.read += result.records
        self.loaded += result.loaded
        self.quarantined += result.quarantined
        self.unchanged += result.records - result.loaded - result.quarantined

    def skip(self, proven: Proven) -> None:
        self.read += proven.records
        self.quarantined += proven.quarantined
        self.unchanged += proven.records - proven.quarantined


class DataSetPass:
    """Reads, cuts and loads one data set; ``run`` may be called once."""

    def __init__(
        self,
        data_set: PlannedDataSet,
        reader: Reader,
        job: Job,
        *,
        journal: Journal | None,
        limit: int | None,
        progress: Progress,
        analyze: Callable[[], None],
        take: Callable[[str, ChunkResult], ChunkResult] | None = None,
    ) -> None:
        self._data_set = data_set
        self._reader = reader
        self._job = job
        self._journal = journal
        self._limit = limit
        self._progress = progress
        self._analyze = analyze
        self._take = take
        self._health: Health | None = None
        self._ledger: dict[int, Proven] = {}
        self._results: dict[int, ChunkResult | Proven] = {}
        self._damage: SourceDamaged | None = None
        self._chunks = 0
        self._started = self._seconds = 0.0

    def watch(self, health: Health) -> None:
        """Wait before each chunk while the source is not well."""
        self._health = health

    def run(self, pool: Pool) -> None:
        """Load what is not proven, analyse after the first chunk and after the last; again for chunks that others have disturbed, until all agree."""
        self._started = time.monotonic()
        self._progress.begin(self._data_set.name, self._reader.collections().get(self._data_set.collection))
        try:
            while self._once(pool):
                pass
            if any(isinstance(result, ChunkResult) for result in self._results.values()):
                self._analyze()
        finally:
            self._seconds = time.monotonic() - self._started
            self._progress.end()

    def outcome(self) -> Outcome:
        """Return what was done, also when the pass was cut short."""
        outcome = Outcome(seconds=self._seconds, chunks=self._chunks, damage=self._damage)
        for result in self._results.values():
            if isinstance(result, Proven):
                outcome.skip(result)
                continue
            outcome.add(result)
            if self._job.dry_run:
                outcome.dry.append(result)
        return outcome

    @property
    def complete(self) -> bool:
        """Whether every record of the source has been seen."""
        return self._damage is None and self._limit is None

    def _once(self, pool: Pool) -> bool:
        self._ledger = {} if self._journal is None else self._journal.ledger(self._data_set.name)
        disturbed = False
        for result in pool.run(self._job, self._tasks(), self._rows_of):
            disturbed |= result.disturbed
            if result.number == 0:
                self._analyze()
            before = self._results.get(result.number)
            kept = result if self._take is None else self._take(self._data_set.name, result)
            self._results[result.number] = kept if before is None else _both(before, kept)
            self._progress.advance(result.records, self._reader.position())
        return disturbed

    def _tasks(self) -> Iterator[Task]:
        """Yield the chunks that are not proven; those that are enter the results."""
        self._chunks = 0
        try:
            for chunk in self._cut():
                self._chunks = chunk.number + 1
                if self._health is not None:
                    self._health.wait()
                proven = self._ledger.get(chunk.number)
                if proven is not None and self._is_proven(chunk, proven):
                    if chunk.number not in self._results:
                        self._results[chunk.number] = proven
                        self._progress.advance(proven.records, self._reader.position())
                    continue
                yield self._task(chunk, known=proven is not None)
        except SourceDamaged as damage:
            self._damage = damage

    def _cut(self) -> Iterator[Chunk | TextChunk]:
        records = {number: proven.records for number, proven in self._ledger.items()}
        text = self._job.text
        if text is not None and isinstance(self._reader, TextReader):
            fewer = CHUNK_ROWS if self._job.followed else None
            known = known_cuts(records, most_records=fewer or TEXT_ROWS)
            return cut_text(
                self._reader, self._data_set.collection, text, known, most=fewer, limit=self._limit
            )
        most = records_per_chunk(self._reader.format)
        known = known_cuts(records, most_records=most)
        return cut(islice(self._records(), self._limit), known, most_records=most)

    def _task(self, chunk: Chunk | TextChunk, *, known: bool) -> Task:
        """Return the chunk as it is to be loaded: what is not new, or is followed by a flow, is mapped, and needs the book of keys."""
        if known and self._journal is not None:
            unpack(
                self._journal.connection, self._data_set.org_id, self._data_set.migration, self._data_set.name
            )
        if isinstance(chunk, TextChunk) and (known or self._job.followed):
            return Task(self._rows_of(chunk), reload=known)
        return Task(chunk, reload=known)

    def _rows_of(self, chunk: TextChunk) -> Chunk:
        if not isinstance(self._reader, TextReader):
            raise TypeError("a chunk of text comes from a reader of text")
        return rows_of(self._reader, self._data_set.collection, chunk)

    def _records(self) -> Iterator[Record | BrokenRecord]:
        return self._reader.read(self._data_set.collection)

    def _is_proven(self, chunk: Chunk | TextChunk, proven: Proven) -> bool:
        return (
            not proven.stale
            and proven.source_hash == chunk.source_hash
            and proven.mapping_version == self._data_set.mapping.version
        )


def _both(before: ChunkResult | Proven, after: ChunkResult) -> ChunkResult:
    """A chunk loaded twice in one run: its records count once, as loaded when either time loaded them."""
    loaded = before.loaded if isinstance(before, ChunkResult) else 0
    possible = after.records - after.quarantined
    return ChunkResult(
        after.number,
        after.records,
        min(possible, max(loaded, after.loaded)),
        after.quarantined,
        after.disturbed,
    )
