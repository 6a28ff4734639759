"""The processes that serve, as children of the command that runs them."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from caravan.core.database import DatabaseAddress
from caravan.core.processes import Child
from caravan.core.settings import Settings
from caravan.entry.background import WORKFLOW_MODULES
from caravan.platform.jobs import process

__all__ = ["JOBS_GRACE", "api_children", "deduper_children", "jobs_child", "worker_child"]

JOBS_GRACE: Final = 15.0
"""Seconds the process that runs jobs has to end their programs."""


def api_children(settings: Settings, environment: Mapping[str, str], log: Path | None = None) -> list[Child]:
    """Return the API's processes, each with its own socket on the shared port."""
    return _serving("caravan.entry.api", "api", settings, environment, log)


def deduper_children(settings: Settings, environment: Mapping[str, str]) -> list[Child]:
    """Return the processes of the deduper's worker when it runs alone."""
    own = {**environment, "CARAVAN_RATE_LIMITS": str(settings.rate_limits).lower()}
    return _serving("caravan.entry.deduper_api", "deduper", settings, own, None)


def _serving(
    module: str, name: str, settings: Settings, environment: Mapping[str, str], log: Path | None
) -> list[Child]:
    own = {
        **environment,
        "CARAVAN_HOME": str(settings.home.resolve()),
        "CARAVAN_HOST": settings.host,
        "CARAVAN_PORT": str(settings.port),
        "CARAVAN_PROCESSES": str(settings.processes),
    }
    command = [sys.executable, "-m", module]
    return [Child(f"{name} {number}", command, own, log) for number in range(1, settings.processes + 1)]


def worker_child(settings: Settings, environment: Mapping[str, str], log: Path | None = None) -> Child:
    """Return the worker as a child of `caravan up`."""
    own = {**environment, "CARAVAN_HOME": str(settings.home.resolve())}
    return Child("worker", [sys.executable, "-m", "caravan.entry.cli", "worker"], own, log)


def jobs_child(
    settings: Settings, address: DatabaseAddress, metrics: Mapping[str, str], log: Path | None = None
) -> Child:
    """Return the process that runs jobs, with every workflow of this installation."""
    child = process.jobs_child(process.JobsPlan(settings, address, WORKFLOW_MODULES), log)
    child.environment = metrics
    return child
