"""`caravan api --only deduper`: the worker on a port of its own, with the jobs' runner, and servers nobody has to know of."""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console

from caravan.core.database.migrate import migrate
from caravan.core.processes import Supervisor
from caravan.core.settings import Settings
from caravan.core.telemetry.logs import configure_logs
from caravan.entry.addresses import opened_servers
from caravan.entry.children import JOBS_GRACE, deduper_children, jobs_child
from caravan.entry.ports import metrics_folder, refuse_taken_port

__all__ = ["PORT", "as_legacy_worker", "deduper_alone"]

PORT: Final = 5000
"""The legacy worker's."""

console = Console(stderr=True, highlight=False)


def deduper_alone(given: Settings) -> None:
    """Serve until Ctrl-C; the schema is brought up first."""
    settings = as_legacy_worker(given)
    configure_logs(level=settings.log_level, style=settings.log_format)
    refuse_taken_port(settings.host, settings.port)
    with (
        opened_servers(settings, redis=False, report=_tell) as addresses,
        metrics_folder(settings, jobs=True) as metrics,
    ):
        for revision in migrate(addresses.database):
            _tell(f"schema: {revision}")
        environment = {**addresses.environment(), **metrics}
        jobs = jobs_child(settings, addresses.database, metrics)
        children = [*deduper_children(settings, environment), jobs]
        Supervisor(children, grace=JOBS_GRACE, watches=addresses.watches(_tell)).run(
            lambda: _tell(f"the deduper's worker answers at {settings.url}/deduper/health")
        )


def as_legacy_worker(given: Settings) -> Settings:
    """Return the settings with the legacy's port and without rate limits, where nobody has set them."""
    usual: Mapping[str, Any] = {"port": PORT, "rate_limits": False}
    unset = {name: value for name, value in usual.items() if name not in given.model_fields_set}
    return given.model_copy(update=unset)


def _tell(line: str) -> None:
    console.print(f"  {line}", markup=False)
