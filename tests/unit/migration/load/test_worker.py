"""A worker answers its parent, says why it cannot go on, and is gone when the parent is gone."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import UUID

import bson
import psycopg
import pytest

from caravan.migration.load import worker
from caravan.migration.load.chunk_commit import ChunkResult, FencedError, Job
from caravan.migration.load.chunks import Chunk, cut
from caravan.migration.load.errors import LoadInterruptedError, LoadStoppedError
from caravan.migration.load.planning import PlannedDataSet
from caravan.migration.load.pool import InlinePool, WorkerPool
from caravan.migration.load.readers import Record
from caravan.migration.load.stop import StopSwitch
from caravan.migration.load.worker import Failed, Go, Ready, Task
from caravan.migration.mapping.contract import MappingContext
from tests.fixtures.own_copy import own_copy

ORG = UUID(int=7)


def job(mapping: str = "order") -> Job:
    context = MappingContext(ORG, None, ORG)
    planned = PlannedDataSet(
        "orders", "toy", "auto", Path("dump"), "orders", f"tests.fixtures.toy.mapping:{mapping}", context
    )
    return Job(planned, "bson", "orders.bson", ORG, Path("key"), dry_run=True)


def tasks(count: int) -> Iterator[Task]:
    records = [Record(n, n, bson.encode({"_id": n, "total": "1"})) for n in range(count)]
    return (Task(chunk, reload=False) for chunk in cut(iter(records), most_records=10))


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A worker may run in this process: set when it would have left it."""
    left = threading.Event()
    monkeypatch.setattr(worker, "os", own_copy(os, _exit=lambda _code: left.set()))
    monkeypatch.setattr(worker, "signal", own_copy(signal, signal=lambda *_: None))
    monkeypatch.setattr(worker, "gc", own_copy(gc, disable=lambda: None, freeze=lambda: None))
    return left


@pytest.fixture
def pipe(gone: threading.Event) -> Iterator[Connection]:
    """The parent's end of a worker that runs in a thread of this process."""
    ours, theirs = multiprocessing.Pipe()
    threading.Thread(target=worker.work, args=(theirs, None), daemon=True).start()
    yield ours
    ours.close()
    assert gone.wait(60)  # it must have left before the patches are taken back


def test_a_chunk_waits_for_its_turn_and_is_answered(pipe: Connection) -> None:
    ours = pipe
    ours.send(job())
    for task in tasks(170):
        ours.send(task)
        assert ours.recv() == Ready(task.chunk.number)
        ours.send(Go(task.chunk.number))
        answer = ours.recv()
        assert isinstance(answer, ChunkResult)
        assert answer.loaded == 10


def test_a_chunk_before_any_job_is_an_error_of_the_program(pipe: Connection) -> None:
    ours = pipe
    ours.send(next(tasks(1)))
    answer = ours.recv()
    assert isinstance(answer, Failed)
    assert not answer.database


def raising(error: Exception) -> Callable[..., None]:
    def raise_it(*_: object, **__: object) -> None:
        raise error

    return raise_it


@pytest.mark.parametrize(
    ("error", "said", "database"),
    [
        (psycopg.OperationalError("gone"), "gone", True),
        (FencedError("another run"), "another run", True),
        (ZeroDivisionError("bug"), "ZeroDivisionError: bug", False),
    ],
)
def test_what_ends_a_worker_is_told(
    monkeypatch: pytest.MonkeyPatch, gone: threading.Event, error: Exception, said: str, *, database: bool
) -> None:
    monkeypatch.setattr(worker, "connect", raising(error))
    ours, theirs = multiprocessing.Pipe()
    worker.work(theirs, "postgresql://nowhere")
    assert ours.recv() == Failed(said, database=database)
    ours.close()
    assert gone.wait(60)


def test_the_state_of_postgresql_is_told_with_its_error() -> None:
    assert worker._said(psycopg.errors.DiskFull("no space")) == "no space (SQLSTATE 53100)"


def test_a_pool_gives_results_in_source_order() -> None:
    with StopSwitch() as stop, WorkerPool(None, 2, stop) as pool:
        results = [result.number for result in pool.run(job(), tasks(95))]
        assert len(pool.process_ids) == 2
        assert list(pool.run(job("customer"), iter([]))) == []
    assert results == list(range(10))


def test_a_pool_stops_when_asked() -> None:
    with StopSwitch() as stop, WorkerPool(None, 1, stop) as pool:
        running = pool.run(job(), tasks(95))
        next(running)
        stop.ask()
        with pytest.raises(LoadInterruptedError):
            list(running)


def test_the_end_of_a_worker_stops_the_pool() -> None:
    with StopSwitch() as stop, WorkerPool(None, 1, stop) as pool:
        running = pool.run(job(), tasks(95))
        next(running)
        os.kill(pool.process_ids[0], 9)
        with pytest.raises(LoadStoppedError, match="ended with code -9"):
            list(running)


def test_a_worker_that_cannot_work_tells_why() -> None:
    with (
        StopSwitch() as stop,
        WorkerPool("postgresql://127.0.0.1:1/none?connect_timeout=1", 1, stop) as pool,
        pytest.raises(LoadStoppedError, match=r"127\.0\.0\.1"),
    ):
        list(pool.run(job(), tasks(5)))


def test_without_processes_errors_of_the_database_stop_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lost:
        def load(self, _chunk: Chunk, **_: object) -> ChunkResult:
            raise psycopg.OperationalError("lost")

    monkeypatch.setattr("caravan.migration.load.pool.loader_for", lambda *_: Lost())
    with StopSwitch() as stop, InlinePool(None, stop) as pool, pytest.raises(LoadStoppedError, match="lost"):
        list(pool.run(job(), tasks(5)))


def test_a_switch_outside_the_main_thread_listens_to_no_signal() -> None:
    seen = []

    def enter() -> None:
        with StopSwitch() as stop:
            seen.append(stop._before)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [{}]
