"""One pass over a source: chunks mapped in processes side by side, summed by bucket, noted as they come."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from functools import cache
from itertools import count, islice
from typing import Final

from caravan.migration.load.chunks import Chunk, cut
from caravan.migration.load.mapped_chunk import ChunkMapper
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.readers import Reader, RecordFormat
from caravan.migration.verify.encoding import RowEncoder
from caravan.migration.verify.mapped.buckets import BucketSums, Totals, sums_of
from caravan.migration.verify.pairs.notebook import Notebook

__all__ = ["BLOCK", "source_totals"]

BLOCK: Final = 64
"""Chunks of one node: so many are mapped again after a crash."""

_AHEAD: Final = 2


def source_totals(
    data_set: PlannedDataSet,
    reader: Reader,
    notebook: Notebook,
    workers: int,
    *,
    resumable: bool,
    progress: Callable[[int], None] | None = None,
) -> Totals:
    """Read the whole source and return what its rows come to.

    ``resumable``: blocks that the notebook has are read over without being mapped. Only a source whose records stay where they
    are can be gone on with so.

    Raises:
        SourceDamaged: the source cannot be read on.
    """
    noted = notebook.noted() if resumable else {}
    total = Totals()
    with ExitStack() as stack:
        mapped = _mapper(stack, data_set, reader.format, workers)
        for block, chunks in _blocks(cut(reader.read(data_set.collection))):
            node = f"block {block:05}"
            if node in noted:
                facts = noted[node][1]
                for _ in chunks:
                    pass
                part = Totals(facts["records"], facts["refused"], BucketSums.from_json(facts["sums"]))
            else:
                part = Totals()
                for one in mapped(chunks):
                    part.add(one)
                facts = {"records": part.records, "refused": part.refused, "sums": part.sums.as_json()}
                notebook.note(node, "planned", facts)
            total.add(part)
            if progress is not None:
                progress(part.records)
    return total


def _blocks(chunks: Iterator[Chunk]) -> Iterator[tuple[int, Iterator[Chunk]]]:
    """Yield the chunks of each block; they must be taken before the next block is."""
    for number in count():
        first = next(chunks, None)
        if first is None:
            return
        yield number, _with(first, islice(chunks, BLOCK - 1))


def _with(first: Chunk, others: Iterable[Chunk]) -> Iterator[Chunk]:
    yield first
    yield from others


def _mapper(
    stack: ExitStack, data_set: PlannedDataSet, record_format: RecordFormat, workers: int
) -> Callable[[Iterator[Chunk]], Iterator[Totals]]:
    if not workers:
        return lambda chunks: (_mapped(data_set, record_format, chunk) for chunk in chunks)
    context = multiprocessing.get_context("spawn")
    pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=context))

    def side_by_side(chunks: Iterator[Chunk]) -> Iterator[Totals]:
        waiting: deque[Future[Totals]] = deque()
        for chunk in chunks:
            waiting.append(pool.submit(_mapped, data_set, record_format, chunk))
            if len(waiting) >= workers * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    return side_by_side


def _mapped(data_set: PlannedDataSet, record_format: RecordFormat, chunk: Chunk) -> Totals:
    mapper, encoders = _tools(_Named(data_set), record_format)
    result = mapper.map(chunk)
    sums = sums_of(data_set.mapping.tables, encoders, result.loadable)
    return Totals(len(chunk.records), len(result.refused), sums)


class _Named:
    """A data set that can be a key: the tools of one are made once per process."""

    def __init__(self, data_set: PlannedDataSet) -> None:
        self.data_set = data_set
        self._name = (data_set.migration, data_set.name, data_set.mapping_name, str(data_set.context))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Named) and self._name == other._name

    def __hash__(self) -> int:
        return hash(self._name)


@cache
def _tools(named: _Named, record_format: RecordFormat) -> tuple[ChunkMapper, dict[str, RowEncoder]]:
    data_set = named.data_set
    return ChunkMapper(data_set, record_format), {
        table.name: RowEncoder(table.columns) for table in data_set.mapping.tables
    }
