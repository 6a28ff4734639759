"""One pass over a source: chunks mapped, summed by bucket, noted block by block."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import Final

from caravan.migration.load.chunks import Chunk, cut
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.readers import Reader
from caravan.migration.verify.mapped.buckets import BucketSums, Totals
from caravan.migration.verify.mapped.homes import Homes
from caravan.migration.verify.mapped.mappers import Mappers
from caravan.migration.verify.pairs.notebook import Notebook

__all__ = ["BLOCK", "source_totals"]

BLOCK: Final = 64
"""Chunks of one node: so many are mapped again after a crash."""


def source_totals(
    data_set: PlannedDataSet,
    reader: Reader,
    notebook: Notebook,
    mappers: Mappers,
    *,
    resumable: bool,
    homes: Homes | None = None,
    progress: Callable[[int], None] | None = None,
) -> Totals:
    """Read the whole source and return what its rows come to.

    ``resumable``: blocks that the notebook has are read over without being mapped. Only a source whose records stay where they
    are can be gone on with so. ``homes``: the ids of rows that were born on our side.

    Raises:
        SourceDamaged: the source cannot be read on.
    """
    noted = notebook.noted() if resumable else {}
    total = Totals()
    for block, chunks in _blocks(cut(reader.read(data_set.collection))):
        node = f"block {block:05}"
        if node in noted:
            facts = noted[node][1]
            for _ in chunks:
                pass
            part = Totals(facts["records"], facts["refused"], BucketSums.from_json(facts["sums"]))
        else:
            part = Totals()
            for one in mappers.mapped(data_set, reader.format, chunks, homes):
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
