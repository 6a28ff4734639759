"""Both sides of the contract: the Flask stand-in, and the worker behind a real server with a real runner of jobs."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import httpx2
import pytest
import pytest_asyncio

from caravan.legacy.deduper.probes import Situation
from tests.fixtures.applications import RunningApplication
from tests.fixtures.deduper_sides import CLEAR_SECONDS, FlaskForks, Side, environment_of, flask_forks
from tests.fixtures.deduper_worker import RealWorker, application, program, worker
from tests.fixtures.served import served

__all__ = ["Legacy", "Ours", "application", "program", "worker"]

Legacy: TypeAlias = Callable[..., Side]
"""Takes a situation and ``fixed_ids``; returns a stand-in as after a start."""

Ours: TypeAlias = Callable[..., Side]
"""Takes a situation; returns the worker without a job, configured for it."""


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskForks]:
    """The process from which every stand-in comes."""
    with flask_forks(tmp_path_factory.mktemp("flask") / "log") as running:
        yield running


@pytest.fixture
def legacy(forks: FlaskForks, tmp_path: Path) -> Iterator[Legacy]:
    """Makes stand-ins of this test's own."""
    made = 0

    def make(situation: Situation = Situation.EMPTY, *, fixed_ids: bool = True, **environment: str) -> Side:
        nonlocal made
        made += 1
        return forks.side(tmp_path / f"flask-{made}", situation, fixed_ids=fixed_ids, **environment)

    yield make
    forks.end()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def wire(application: RunningApplication) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the worker behind a real server."""
    async with served(application.served) as url, httpx2.AsyncClient(base_url=url, timeout=40) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def ours(worker: RealWorker, wire: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> Ours:
    """Configures the worker for a situation."""

    def configure(situation: Situation = Situation.EMPTY) -> Side:
        for name, value in environment_of(situation, worker.program).items():
            monkeypatch.setenv(name, value)
        if situation is Situation.CLEAR_HANGS:
            short = {"deduper_clear_timeout": CLEAR_SECONDS}
            worker.queue.settings = worker.queue.settings.model_copy(update=short)
        return Side(wire, worker.program, new=True)

    return configure
