"""The process that runs jobs: ``python -m caravan.platform.jobs.process``, its plan on standard input."""

import asyncio
import os
import pickle
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Final

import structlog

from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.outbox.surroundings import worker_settings
from caravan.core.processes import Child, end_with_supervisor
from caravan.core.settings import Settings
from caravan.core.telemetry.logs import configure_logs
from caravan.platform.jobs.guardian.processes import LINUX
from caravan.platform.jobs.guarding import ProcessGuards
from caravan.platform.jobs.holder import sweep_folder
from caravan.platform.jobs.planning import Planner
from caravan.platform.jobs.policy import Policy
from caravan.platform.jobs.retention import remove_old_output_until
from caravan.platform.jobs.runner import Runner
from caravan.platform.jobs.workflows import Surroundings

__all__ = ["JobsPlan", "jobs_child", "main", "run_jobs"]

log = structlog.get_logger(__name__)

_OWN: Final = "caravan.platform.jobs.audit_workflow"


@dataclass(frozen=True, slots=True)
class JobsPlan:
    """What the process needs to know; ``modules`` are imported, and register workflows beside our own."""

    settings: Settings
    address: DatabaseAddress
    modules: Sequence[str] = ()
    policy: Policy = field(default_factory=Policy)


def jobs_child(plan: JobsPlan, log_file: Path | None = None) -> Child:
    """Return the process as a child of a supervisor; give that a grace of 10 seconds or more."""
    command = [sys.executable, "-m", "caravan.platform.jobs.process"]
    return Child("jobs", command, log=log_file, letter=pickle.dumps(plan))


def main() -> None:
    """Be the process that standard input describes."""
    plan: JobsPlan = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our parent, on our pipe
    end_with_supervisor(signal.SIGTERM)
    configure_logs(level=plan.settings.log_level, style=plan.settings.log_format)
    worker_settings.set(plan.settings)
    asyncio.run(run_jobs(plan))


async def run_jobs(plan: JobsPlan) -> None:
    """Run jobs until SIGTERM or SIGINT; what runs then fails as stopped."""
    for module in (_OWN, *plan.modules):
        import_module(module)
    if not LINUX:
        log.warning(
            "jobs.group_only", told="Only Linux lets a job's every descendant be found; here its group is."
        )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    database = Database(plan.address, role=Role.SYSTEM, pool=1, read_pool=4, application="caravan jobs")
    folder = plan.settings.home.resolve() / "jobs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sweep_folder(folder)
    planner = Planner(Surroundings(plan.settings, os.environ), plan.address, plan.modules)
    removing = asyncio.create_task(remove_old_output_until(stop, database, plan.settings.job_output_days))
    try:
        runner = Runner(database, folder, ProcessGuards(folder, plan.policy), planner, plan.policy)
        await runner.run(stop)
    finally:
        stop.set()
        await removing
        await database.close()


if __name__ == "__main__":
    main()
