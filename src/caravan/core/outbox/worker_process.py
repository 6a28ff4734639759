"""One worker process: an event loop for its life, made after fork, with its connections on it."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from celery import Celery, signals

from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.outbox.events import EventRef
from caravan.core.outbox.handling import Connections, handle
from caravan.core.outbox.heartbeats import beat, record_passage
from caravan.core.outbox.policy import Policy
from caravan.core.outbox.surroundings import worker_settings
from caravan.core.processes import end_with_parent
from caravan.core.settings import Settings

__all__ = ["WorkerProcess", "open_connections", "prepare_processes", "process_name"]

log = structlog.get_logger(__name__)


def open_connections(settings: Settings, address: DatabaseAddress) -> Connections:
    """Return the databases of a worker process; connections are made at first use."""
    app, system = (
        Database(
            address,
            role=role,
            pool=2,
            read_pool=1,
            statement_timeout=settings.statement_timeout,
            lock_timeout=settings.lock_timeout,
            application="caravan worker",
        )
        for role in (Role.APP, Role.SYSTEM)
    )
    return Connections(app, system)


@dataclass(slots=True)
class WorkerProcess:
    """``name`` tells the processes of one worker (a parent and what it forked) from those of another."""

    settings: Settings
    address: DatabaseAddress
    policy: Policy
    name: str
    _runner: asyncio.Runner | None = field(default=None, init=False)
    _connections: Connections | None = field(default=None, init=False)
    _beaten: float = field(default=float("-inf"), init=False)
    _flush: Callable[[], None] | None = field(default=None, init=False)

    def open(self) -> None:
        """Make the loop and the connections; after fork, never before."""
        worker_settings.set(self.settings)  # before the runner, which copies the context once
        self._runner = asyncio.Runner(loop_factory=_loop_factory())
        self._runner.get_loop()
        self._connections = open_connections(self.settings, self.address)
        self._flush = _start_traces(self.settings)

    def close(self) -> None:
        """Dispose of the connections, then of the loop."""
        if self._flush is not None:
            self._flush()
        if self._runner is None or self._connections is None:
            return
        with contextlib.suppress(OSError):
            self._runner.run(self._connections.close())
        self._runner.close()
        self._runner = self._connections = self._flush = None

    def handle(self, ref: EventRef) -> None:
        """Handle one event; what fails is in the database, and nothing is raised for the broker to see."""
        runner, connections = self._opened()
        runner.run(self._handle(connections, ref))

    def show_life(self, sent: datetime) -> None:
        """Record that this queue is served, up to what was sent at this moment."""
        runner, connections = self._opened()
        runner.run(self._beat(connections, sent))

    async def _handle(self, connections: Connections, ref: EventRef) -> None:
        outcome = await handle(connections, ref, self.policy)
        log.debug("event.handled", event_id=str(ref.id), outcome=outcome)
        if time.monotonic() - self._beaten >= self.policy.heartbeat:
            await self._beat(connections)

    async def _beat(self, connections: Connections, sent: datetime | None = None) -> None:
        self._beaten = time.monotonic()
        async with connections.system.write() as session:
            await beat(session, "queue", self.policy.queue, self.name)
            if sent is not None:
                await record_passage(session, self.policy.queue, sent)

    def _opened(self) -> tuple[asyncio.Runner, Connections]:
        if self._runner is None or self._connections is None:
            self.open()
        assert self._runner is not None  # noqa: S101 - open() made it
        assert self._connections is not None  # noqa: S101 - open() made it
        return self._runner, self._connections


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the quicker loop where there is one; None is Python's own."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


def _start_traces(settings: Settings) -> Callable[[], None] | None:
    """Export spans when the settings ask for it; return what sends the last of them."""
    if settings.traces == "none":
        return None
    # Imported where it is wanted: every worker process would pay for the exporter.
    from caravan.core.telemetry.traces import configure_traces  # noqa: PLC0415

    provider = configure_traces(settings, "caravan-worker")
    return provider.shutdown if provider is not None else None


def prepare_processes(app: Celery, work: WorkerProcess) -> None:
    """Open and close with Celery's processes; none of them outlives its parent."""
    parent = os.getpid()

    def opened(**_signal: object) -> None:
        if os.getpid() != parent:
            end_with_parent(parent, signal.SIGKILL)
        work.open()

    def closed(**_signal: object) -> None:
        work.close()

    signals.worker_process_init.connect(opened, weak=False)
    signals.worker_process_shutdown.connect(closed, weak=False)
    # Any receiver keeps Celery from setting up logging of its own.
    signals.setup_logging.connect(lambda **_signal: None, weak=False)
    app.finalize()


def process_name() -> str:
    """Return ``host:pid``, as heartbeats have it."""
    return f"{socket.gethostname()}:{os.getpid()}"
