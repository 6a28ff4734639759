"""`caravan worker`."""

from typing import Annotated

import typer

from caravan.core.outbox.worker import run_worker
from caravan.core.processes import end_with_supervisor
from caravan.core.settings import load_settings
from caravan.core.telemetry.logs import configure_logs
from caravan.entry.addresses import opened_servers
from caravan.entry.background import COMPANIONS, HANDLER_MODULES
from caravan.entry.schema import refuse_missing_schema

__all__ = ["app", "worker"]

app = typer.Typer(add_completion=False)


@app.command()
def worker(
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="How many tasks run at once.")] = 2,
) -> None:
    """Run background work until Ctrl-C: relay, tasks, schedules, the audit's seal."""
    end_with_supervisor()
    settings = load_settings()
    configure_logs(level=settings.log_level, style=settings.log_format)
    with opened_servers(settings, redis=True) as addresses:
        refuse_missing_schema(addresses.database)
        told = settings.model_copy(
            update={"broker_url": addresses.broker_url, "redis_url": addresses.redis_url}
        )
        run_worker(
            told,
            addresses.database,
            concurrency=concurrency,
            modules=HANDLER_MODULES,
            companions=COMPANIONS,
            watches=addresses.watches(),
        )
