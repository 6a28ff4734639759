"""Processes that map chunks, started when a source turns out to be large, and shared by all data sets of a verification."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache
from itertools import chain, islice
from types import TracebackType
from typing import Final, Self

from caravan.migration.load.chunks import Chunk
from caravan.migration.load.mapped_chunk import ChunkMapper
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.readers import RecordFormat
from caravan.migration.verify.encoding import RowEncoder
from caravan.migration.verify.mapped.buckets import Totals, sums_of
from caravan.migration.verify.mapped.homes import Homes

__all__ = ["Mappers"]

_AHEAD: Final = 2
_FEW: Final = 8
"""Chunks that are mapped sooner here than a process is started."""


class Mappers:
    """So many processes; 0 maps everything in this one."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def mapped(
        self,
        data_set: PlannedDataSet,
        record_format: RecordFormat,
        chunks: Iterator[Chunk],
        homes: Homes | None = None,
    ) -> Iterator[Totals]:
        """Yield what each chunk comes to, in their order; ``homes`` where rows were born on our side."""
        first = list(islice(chunks, _FEW)) if self._pool is None else []
        if not self._workers or (self._pool is None and len(first) < _FEW):
            return (_mapped(data_set, record_format, chunk, homes) for chunk in chain(first, chunks))
        return self._side_by_side(data_set, record_format, chain(first, chunks), homes)

    def _side_by_side(
        self,
        data_set: PlannedDataSet,
        record_format: RecordFormat,
        chunks: Iterator[Chunk],
        homes: Homes | None = None,
    ) -> Iterator[Totals]:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, mp_context=context, initializer=_end_with_parent)
        waiting: deque[Future[Totals]] = deque()
        for chunk in chunks:
            waiting.append(self._pool.submit(_mapped, data_set, record_format, chunk, homes))
            if len(waiting) >= self._workers * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _end_with_parent() -> None:
    """Leave nothing behind when the verification is killed: the pool's own processes would wait for work for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


class _UnsealedMapper(ChunkMapper):
    """Leaves the sums per chunk out, which only a load needs."""

    def __init__(self, data_set: PlannedDataSet, record_format: RecordFormat) -> None:
        super().__init__(data_set, record_format)
        self._encoders = {}


def _mapped(
    data_set: PlannedDataSet, record_format: RecordFormat, chunk: Chunk, homes: Homes | None = None
) -> Totals:
    tables, mapper, encoders = data_set.mapping.tables, *_tools(_Named(data_set), record_format)
    result = mapper.map(chunk)
    if homes is not None:
        homes.bring(result, tables)
    try:
        sums = sums_of(tables, encoders, result.loadable)
    except Exception:  # noqa: BLE001 - a row that cannot be encoded: the load refused its record, and says which it is
        result = ChunkMapper(data_set, record_format).map(chunk)
        if homes is not None:
            homes.bring(result, tables)
        sums = sums_of(tables, encoders, result.loadable)
    return Totals(len(chunk.records), len(result.refused), sums)


class _Named:
    """A data set that can be a key: its tools are made once per process."""

    def __init__(self, data_set: PlannedDataSet) -> None:
        self.data_set = data_set
        self._name = (data_set.migration, data_set.name, data_set.mapping_name, str(data_set.context))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Named) and self._name == other._name

    def __hash__(self) -> int:
        return hash(self._name)


@cache
def _tools(named: _Named, record_format: RecordFormat) -> tuple[ChunkMapper, dict[str, RowEncoder]]:
    encoders = {table.name: RowEncoder(table.columns) for table in named.data_set.mapping.tables}
    return _UnsealedMapper(named.data_set, record_format), encoders
