"""The worker: Celery's processes, the relay, the schedules and what else runs in the background, as one tree."""

import pickle
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog

from caravan.core.database.connection import DatabaseAddress
from caravan.core.outbox.broker import broker_url
from caravan.core.outbox.plan import Plan
from caravan.core.outbox.policy import Policy
from caravan.core.outbox.silence import SilenceWatch
from caravan.core.processes import Child, Supervisor, Watch
from caravan.core.settings import Settings

__all__ = ["make_supervisor", "run_worker", "watch_silence"]

log = structlog.get_logger(__name__)

_HOUSEKEEPING: Final = "caravan.core.schedules.housekeeping"
_COMMAND: Final = (sys.executable, "-m", "caravan.core.outbox.process")
_GRACE: Final = 20.0
_WATCH_EVERY: Final = 10.0


def run_worker(
    settings: Settings,
    address: DatabaseAddress,
    *,
    valkey_socket: Path | None = None,
    concurrency: int = 2,
    modules: Sequence[str] = (),
    companions: Sequence[str] = (),
    policy: Policy | None = None,
    watches: Sequence[Watch] = (),
) -> None:
    """Run the background until SIGTERM or SIGINT; called from the main thread of a process.

    ``modules`` are imported in every process: they register handlers and schedules. ``companions`` name functions as
    "module:function" that run beside the relay (the audit's sealer), see `caravan.core.outbox.process.Companion`.
    ``watches`` are looked after between the children.

    Raises:
        BrokerMissingError: when no broker is set.
    """
    broker_url(settings, valkey_socket)
    plan = Plan(
        part="tasks",
        settings=settings,
        address=address,
        valkey_socket=valkey_socket,
        policy=policy or Policy(),
        concurrency=concurrency,
        modules=(_HOUSEKEEPING, *modules),
    )
    make_supervisor(plan, companions, watches).run()


def make_supervisor(
    plan: Plan, companions: Sequence[str], watches: Sequence[Watch] = (), *, command: Sequence[str] = _COMMAND
) -> Supervisor:
    """Return what runs a child for tasks as planned, and one for loops with the companions. It never gives up on them.

    ``command`` is what becomes a child when its plan, pickled, comes in on standard input.
    """
    loops = replace(plan, part="loops", companions=tuple(companions))
    children = [Child(each.part, command, letter=pickle.dumps(each)) for each in (plan, loops)]
    silence = watch_silence(children[0], plan, SilenceWatch(plan.address, plan.policy).is_silent)
    return Supervisor(children, grace=_GRACE, patience=None, watches=[silence, *watches])


def watch_silence(
    tasks: Child, plan: Plan, is_silent: Callable[[int, float], bool], every: float = _WATCH_EVERY
) -> Watch:
    """Return what kills a child that stopped serving its queue, so that it is started again.

    ``is_silent`` gets its process id and its age in seconds.
    """

    def look() -> None:
        if tasks.pid is not None and is_silent(tasks.pid, tasks.age):
            log.error("worker.silent", pid=tasks.pid, silence=plan.policy.silence)
            tasks.kill()

    return Watch(every, look)
