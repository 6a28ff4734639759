"""Workers side by side, chunks committed one after the other in source order."""

import multiprocessing
from collections import deque
from collections.abc import Iterator
from itertools import chain
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Final, Protocol, Self

import psycopg

from caravan.core.database.connection import DatabaseAddress, Role
from caravan.migration.load.chunk_commit import AsRecords, ChunkResult, FencedError, Job
from caravan.migration.load.chunks import Chunk
from caravan.migration.load.errors import LoadStoppedError
from caravan.migration.load.readers import SourceDamaged
from caravan.migration.load.stop import StopSwitch
from caravan.migration.load.text_chunks import RowsOf, TextChunk
from caravan.migration.load.worker import (
    Again,
    ChunkLoader,
    Failed,
    Go,
    Ready,
    Task,
    connect,
    loader_for,
    work,
)

__all__ = ["InlinePool", "Pool", "WorkerPool", "open_pool"]

_IN_HAND: Final = 2
"""Chunks a worker holds: one in work, one waiting, so that it never waits for the reader."""

_LOOK_UP: Final = 0.5
_FAREWELL: Final = 5.0


class Pool(Protocol):
    """Loads the chunks of one job; results come in source order. ``rows_of`` reads a chunk again that does not go in as text."""

    def run(
        self, job: Job, tasks: Iterator[Task], rows_of: RowsOf | None = None
    ) -> Iterator[ChunkResult]: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_pool(address: DatabaseAddress | None, workers: int, stop: StopSwitch) -> Pool:
    """Return a pool of so many processes; 0 does the work in this one. Without an address nothing is written."""
    conninfo = None if address is None else address.libpq(Role.SYSTEM, application="caravan load")
    return WorkerPool(conninfo, workers, stop) if workers else InlinePool(conninfo, stop)


class InlinePool:
    """No processes: chunk after chunk, here."""

    def __init__(self, conninfo: str | None, stop: StopSwitch) -> None:
        self._connection = None if conninfo is None else connect(conninfo)
        self._stop = stop

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()

    def run(self, job: Job, tasks: Iterator[Task], rows_of: RowsOf | None = None) -> Iterator[ChunkResult]:
        loader = loader_for(job, self._connection)
        for task in tasks:
            self._stop.check()
            done = self._load(loader, task)
            if isinstance(done, AsRecords):
                done = self._load(loader, Task(_read_again(task.chunk, rows_of), task.reload))
            if not isinstance(done, ChunkResult):
                raise TypeError("records were asked for twice")
            yield done

    def _load(self, loader: ChunkLoader, task: Task) -> ChunkResult | AsRecords:
        try:
            return loader.load(task.chunk, reload=task.reload, wait_for_turn=self._stop.check)
        except (psycopg.OperationalError, FencedError) as error:
            raise LoadStoppedError(str(error)) from error


class _Worker:
    """One process as its parent sees it."""

    def __init__(self, conninfo: str | None, number: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(
            target=work, args=(theirs, conninfo), name=f"caravan load {number}", daemon=True
        )
        self.process.start()
        theirs.close()
        self.in_hand: set[int] = set()

    def send(self, order: Job | Task | Go | Again) -> None:
        try:
            self.pipe.send(order)
        except OSError:
            raise self._gone() from None

    def receive(self) -> Ready | ChunkResult | AsRecords:
        try:
            message: Ready | ChunkResult | AsRecords | Failed = self.pipe.recv()
        except (EOFError, OSError):
            raise self._gone() from None
        if isinstance(message, Failed):
            where = "the database" if message.database else "a worker process"
            raise LoadStoppedError(f"{where} said: {message.message}")
        return message

    def _gone(self) -> LoadStoppedError:
        while self.pipe.poll():
            try:
                message = self.pipe.recv()
            except (EOFError, OSError):
                break
            if isinstance(message, Failed):
                return LoadStoppedError(message.message)
        self.process.join(_FAREWELL)
        return LoadStoppedError(f"worker process {self.process.pid} ended with code {self.process.exitcode}")

    def close(self) -> None:
        self.pipe.close()
        self.process.join(_FAREWELL)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


class WorkerPool:
    """Processes with a connection each. A chunk's transaction waits, staged, until all before it are committed."""

    def __init__(self, conninfo: str | None, workers: int, stop: StopSwitch) -> None:
        self._stop = stop
        self._workers: list[_Worker] = []
        self._texts: dict[int, TextChunk] = {}
        self._conninfo = conninfo
        self._wanted = workers

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.pipe.close()
        for worker in self._workers:
            worker.close()

    @property
    def process_ids(self) -> list[int]:
        """The processes of this pool, started so far."""
        return [worker.process.pid for worker in self._workers if worker.process.pid is not None]

    def run(self, job: Job, tasks: Iterator[Task], rows_of: RowsOf | None = None) -> Iterator[ChunkResult]:
        first = next(tasks, None)
        if first is None:
            return  # all is proven: nobody has to be started
        tasks = chain([first], tasks)
        while len(self._workers) < self._wanted:
            self._workers.append(_Worker(self._conninfo, len(self._workers)))
        for worker in self._workers:
            worker.send(job)
        order: deque[int] = deque()
        ready: dict[int, _Worker] = {}
        self._texts.clear()
        self._feed(tasks, order)
        while order:
            for worker in self._heard():
                message = worker.receive()
                if isinstance(message, Ready):
                    ready[message.number] = worker
                elif isinstance(message, AsRecords):
                    worker.send(Again(_read_again(self._texts.get(message.number), rows_of)))
                else:
                    order.popleft()
                    worker.in_hand.discard(message.number)
                    self._texts.pop(message.number, None)
                    yield message
            if order and (next_worker := ready.pop(order[0], None)) is not None:
                next_worker.send(Go(order[0]))
            self._feed(tasks, order)

    def _feed(self, tasks: Iterator[Task], order: deque[int]) -> None:
        """Hand out chunks until every worker has enough, or there are no more."""
        while len((worker := min(self._workers, key=lambda one: len(one.in_hand))).in_hand) < _IN_HAND:
            self._stop.check()
            task = next(tasks, None)
            if task is None:
                return
            order.append(task.chunk.number)
            if isinstance(task.chunk, TextChunk):
                self._texts[task.chunk.number] = task.chunk.without_text()
            worker.in_hand.add(task.chunk.number)
            worker.send(task)

    def _heard(self) -> list[_Worker]:
        """Wait until a worker has something to say."""
        by_pipe: dict[object, _Worker] = {worker.pipe: worker for worker in self._workers}
        while True:
            self._stop.check()
            heard = wait([worker.pipe for worker in self._workers], timeout=_LOOK_UP)
            if heard:
                return [by_pipe[pipe] for pipe in heard if isinstance(pipe, Connection)]


def _read_again(chunk: Chunk | TextChunk | None, rows_of: RowsOf | None) -> Chunk:
    if rows_of is None or not isinstance(chunk, TextChunk):
        raise TypeError("records were asked for of a chunk that is no text")
    try:
        return rows_of(chunk)
    except SourceDamaged as damage:
        raise LoadStoppedError(f"the source said: {damage.message}") from damage
