"""A chunk mapped for what it would bring, without a database."""

from collections.abc import Callable

from caravan.migration.load.chunk_commit import AsRecords, ChunkResult, Job, MappedFinding, MappedRefusal
from caravan.migration.load.chunks import Chunk
from caravan.migration.load.dry_notes import notes_of
from caravan.migration.load.mapped_chunk import ChunkMapper
from caravan.migration.load.text_chunks import TextChunk

__all__ = ["DryChunkReader"]


class DryChunkReader:
    """Stands where ``ChunkWriter`` stands in a dry run."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._mapper = ChunkMapper(job.data_set, job.record_format)

    def load(
        self, chunk: Chunk | TextChunk, *, reload: bool, wait_for_turn: Callable[[], None]
    ) -> ChunkResult | AsRecords:
        """Map the chunk; nothing is written."""
        del reload
        if isinstance(chunk, TextChunk):
            return AsRecords(chunk.number)
        mapped = self._mapper.map(chunk)
        wait_for_turn()
        return ChunkResult(
            chunk.number,
            len(chunk.records),
            len(mapped.loadable),
            len(mapped.refused),
            findings=tuple(
                MappedFinding(finding.kind, finding.key, finding.field, item.source.ordinal)
                for item in mapped.loadable
                for finding in item.mapped.findings
            ),
            refused=tuple(
                MappedRefusal(item.reason, item.key, item.field, item.offset, item.detail)
                for item in mapped.refused
            ),
            rows=tuple((table, total.rows) for table, total in mapped.sums.items()),
            notes=notes_of(mapped, self._job.data_set.mapping, self._job.referred),
        )
