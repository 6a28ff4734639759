"""`caravan jobs`."""

import typer

from caravan.core.processes import Supervisor
from caravan.core.settings import load_settings
from caravan.core.telemetry.logs import configure_logs
from caravan.entry.addresses import opened_servers
from caravan.entry.children import JOBS_GRACE, jobs_child
from caravan.entry.schema import refuse_missing_schema

__all__ = ["app", "jobs"]

app = typer.Typer(add_completion=False)


@app.command()
def jobs() -> None:
    """Run jobs until Ctrl-C; what runs then is ended. Any number of these share the queues."""
    settings = load_settings()
    configure_logs(level=settings.log_level, style=settings.log_format)
    with opened_servers(settings, redis=False) as addresses:
        refuse_missing_schema(addresses.database)
        child = jobs_child(settings, addresses.database, {})
        Supervisor([child], grace=JOBS_GRACE, watches=addresses.watches()).run()
