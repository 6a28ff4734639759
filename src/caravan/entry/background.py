"""Which background work this installation does: modules with handlers and schedules, and what runs beside the relay."""

from collections.abc import Sequence
from typing import Final

__all__ = ["COMPANIONS", "HANDLER_MODULES", "WORKFLOW_MODULES"]

HANDLER_MODULES: Final[Sequence[str]] = (
    "caravan.platform.messaging.retention",
    "caravan.platform.messaging.sending",
    "caravan.migration.load.retention",
    "caravan.platform.identity.tasks",
)
"""Imported by every worker process: they register handlers of events and schedules."""

COMPANIONS: Final[Sequence[str]] = ("caravan.platform.audit.sealer:run_sealer",)
"""Run beside the relay, once per worker."""

WORKFLOW_MODULES: Final[Sequence[str]] = ("caravan.legacy.deduper.workflow",)
"""Imported by every process that runs jobs: they register workflows."""
