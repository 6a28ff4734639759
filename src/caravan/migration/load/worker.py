"""A worker process: one connection, chunks in the order they come, gone at once when its parent is gone.

It imports as little as it can: every worker's memory counts.
"""

import gc
import os
import queue
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final, Protocol, TypeAlias

import psycopg

from caravan.migration.load.chunk_commit import AsRecords, ChunkResult, ChunkWriter, FencedError, Job
from caravan.migration.load.chunks import Chunk
from caravan.migration.load.dry_chunk import DryChunkReader
from caravan.migration.load.text_chunks import TextChunk

__all__ = ["Again", "ChunkLoader", "Failed", "Go", "Ready", "Task", "connect", "loader_for", "work"]

_COLLECT_EVERY: Final = 16
_SETTINGS: Final = (
    # Chunk and ledger row stand or fall together, so a commit lost in a crash of the server is a chunk loaded again.
    "SET synchronous_commit = off",
    # Thousands of staged rows look into tables that grow: plans made while those are empty must not scan them later.
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET enable_material = off",
    "SET jit = off",
    "SET work_mem = '32MB'",
    "SET temp_buffers = '16MB'",
)


@dataclass(frozen=True, slots=True)
class Task:
    """A chunk to load; ``reload`` when the ledger has seen one of this number."""

    chunk: Chunk | TextChunk
    reload: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """The chunk is staged and waits for its turn."""

    number: int


@dataclass(frozen=True, slots=True)
class Go:
    """It is this chunk's turn."""

    number: int


@dataclass(frozen=True, slots=True)
class Again:
    """The records of a chunk that could not go in as text."""

    chunk: Chunk


@dataclass(frozen=True, slots=True)
class Failed:
    """The worker cannot go on. ``database`` tells that the database, not the code, is the cause."""

    message: str
    database: bool


Order: TypeAlias = Job | Task | Go | Again


class ChunkLoader(Protocol):
    """What loads the chunks of one data set."""

    def load(
        self, chunk: Chunk | TextChunk, *, reload: bool, wait_for_turn: Callable[[], None]
    ) -> ChunkResult | AsRecords:
        """Return what became of the chunk; ``AsRecords`` asks for the same chunk as records, and nothing of it remains."""


def connect(conninfo: str) -> psycopg.Connection:
    """Return a connection of the loader, with plans that stay right while tables grow."""
    connection = psycopg.connect(conninfo)
    connection.prepare_threshold = None
    for setting in _SETTINGS:
        connection.execute(setting.encode())
    connection.commit()
    return connection


def loader_for(job: Job, connection: psycopg.Connection | None) -> ChunkLoader:
    """Return what loads this job's chunks; without a connection nothing is written."""
    return DryChunkReader(job) if connection is None else ChunkWriter(connection, job)


def work(pipe: Connection, conninfo: str | None) -> None:
    """Serve one parent over ``pipe`` until it closes; a dry run has no database."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.disable()
    orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
    replies: queue.SimpleQueue[Go | Again] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, orders, replies), daemon=True).start()
    try:
        _serve(pipe, orders, replies, connect(conninfo) if conninfo is not None else None)
    except FencedError as error:
        pipe.send(Failed(str(error), database=True))
    except psycopg.Error as error:
        pipe.send(Failed(_said(error), database=True))
    except Exception as error:  # noqa: BLE001 - the parent says it, whatever it is
        pipe.send(Failed(f"{type(error).__name__}: {error}", database=False))


def _receive(
    pipe: Connection, orders: "queue.SimpleQueue[Order]", replies: "queue.SimpleQueue[Go | Again]"
) -> None:
    try:
        while True:
            order = pipe.recv()
            (replies if isinstance(order, Go | Again) else orders).put(order)
    except (EOFError, OSError):
        # The parent has stopped or died. An open transaction ends with the connection, and nothing of it remains.
        os._exit(0)


def _serve(
    pipe: Connection,
    orders: "queue.SimpleQueue[Order]",
    replies: "queue.SimpleQueue[Go | Again]",
    connection: psycopg.Connection | None,
) -> None:
    loader: ChunkLoader | None = None
    served = 0
    while True:
        order = orders.get()
        if isinstance(order, Job):
            loader = loader_for(order, connection)
            continue
        if not isinstance(order, Task) or loader is None:
            raise RuntimeError(f"a chunk was expected, not {type(order).__name__}")
        pipe.send(_Turn(pipe, replies, loader).load(order))
        del order
        served += 1
        if served % _COLLECT_EVERY == 0:
            gc.collect()


class _Turn:
    """One chunk on its way: its turn in source order is asked for once, its records where its text does not do."""

    def __init__(
        self, pipe: Connection, replies: "queue.SimpleQueue[Go | Again]", loader: ChunkLoader
    ) -> None:
        self._pipe = pipe
        self._replies = replies
        self._loader = loader
        self._got = False
        self._number = -1

    def load(self, task: Task) -> ChunkResult:
        self._number = task.chunk.number
        done = self._loader.load(task.chunk, reload=task.reload, wait_for_turn=self._wait)
        if isinstance(done, AsRecords):
            self._pipe.send(done)
            again = self._replies.get()
            if not isinstance(again, Again):
                raise TypeError(f"records were expected, not {type(again).__name__}")
            done = self._loader.load(again.chunk, reload=task.reload, wait_for_turn=self._wait)
        if not isinstance(done, ChunkResult):
            raise TypeError("records were asked for twice")
        return done

    def _wait(self) -> None:
        if not self._got:
            self._pipe.send(Ready(self._number))
            self._replies.get()
            self._got = True


def _said(error: psycopg.Error) -> str:
    state = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
    return f"{error.diag.message_primary or error}{state}"
