"""A child of the worker's supervisor: ``python -m caravan.core.outbox.process``, its plan on standard input."""

import asyncio
import logging
import os
import pickle
import signal
import socket
import sys
import warnings
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TypeAlias, cast

import structlog
from celery.platforms import SecurityWarning

from caravan.core.database import Database, Role
from caravan.core.outbox.celery_app import CelerySender, make_celery, register_tasks
from caravan.core.outbox.plan import Plan
from caravan.core.outbox.relay import Relay
from caravan.core.outbox.surroundings import worker_settings
from caravan.core.outbox.worker_process import WorkerProcess, prepare_processes, process_name
from caravan.core.processes import end_with_supervisor
from caravan.core.schedules.ticker import Ticker
from caravan.core.settings import Settings
from caravan.core.telemetry.logs import configure_logs

__all__ = ["Companion", "main"]

log = structlog.get_logger(__name__)

Companion: TypeAlias = Callable[[Database, Settings, asyncio.Event], Awaitable[None]]
"""Runs until the event is set; the database is in the system's role."""


def main() -> None:
    """Be the child that standard input describes."""
    plan: Plan = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our parent, on our pipe
    end_with_supervisor(signal.SIGKILL)
    configure_logs(level=plan.settings.log_level, style=plan.settings.log_format)
    for chatty in (
        "celery.app.trace",
        "celery.worker.strategy",
    ):  # two lines per task; ours says it once, at debug
        logging.getLogger(chatty).setLevel(max(logging.getLogger().level, logging.WARNING))
    worker_settings.set(plan.settings)
    for module in plan.modules:
        import_module(module)
    if plan.part == "tasks":
        run_tasks(plan)
    else:
        asyncio.run(run_loops(plan))


def run_tasks(plan: Plan) -> None:
    """Be a Celery worker: a parent and its processes."""
    app = make_celery(plan.settings, valkey_socket=plan.valkey_socket, policy=plan.policy)
    work = WorkerProcess(plan.settings, plan.address, plan.policy, process_name())
    register_tasks(app, work)
    prepare_processes(app, work)
    # Only names and ids in JSON come through the broker; what Celery warns root about is pickle.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    worker = app.Worker(
        pool="prefork",
        concurrency=plan.concurrency,
        loglevel=logging.getLevelName(logging.getLogger().level),
        hostname=f"caravan-{os.getpid()}@{socket.gethostname()}",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    raise SystemExit(worker.exitcode or 0)


async def run_loops(plan: Plan) -> None:
    """Relay, ticker and companions in one process, until SIGTERM; one that fails ends them all, to be started anew."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    database = Database(plan.address, role=Role.SYSTEM, pool=4, read_pool=1, application="caravan loops")
    app = make_celery(plan.settings, valkey_socket=plan.valkey_socket, policy=plan.policy)
    relay = Relay(database, CelerySender(app, plan.policy), plan.policy)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(relay.run(stop))
            group.create_task(Ticker(database).run(stop))
            for path in plan.companions:
                group.create_task(_ended_only_when_told(path, database, plan.settings, stop))
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        await database.close()


async def _ended_only_when_told(
    path: str, database: Database, settings: Settings, stop: asyncio.Event
) -> None:
    module, _, name = path.partition(":")
    companion = cast("Companion", getattr(import_module(module), name))
    await companion(database, settings, stop)
    if not stop.is_set():
        raise RuntimeError(f"{path} ended by itself")


if __name__ == "__main__":
    main()
