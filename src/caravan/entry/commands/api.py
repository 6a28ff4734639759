"""`caravan api`."""

from enum import StrEnum
from typing import Annotated

import typer

from caravan.core.processes import Supervisor
from caravan.core.settings import load_settings
from caravan.core.telemetry.logs import configure_logs
from caravan.entry.addresses import opened_servers
from caravan.entry.children import api_children
from caravan.entry.deduper_alone import deduper_alone
from caravan.entry.keys import refuse_missing_keys
from caravan.entry.ports import metrics_folder, refuse_taken_port
from caravan.entry.schema import refuse_missing_schema

__all__ = ["Part", "api", "app"]

app = typer.Typer(add_completion=False)


class Part(StrEnum):
    """What can be served alone."""

    DEDUPER = "deduper"


@app.command()
def api(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    processes: Annotated[int | None, typer.Option(help="How many processes share the port.")] = None,
    only: Annotated[Part | None, typer.Option(help="Serve this bridge alone, with all it needs.")] = None,
) -> None:
    """Serve the API and the console until Ctrl-C."""
    given = {"host": host, "port": port, "processes": processes}
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    if only is Part.DEDUPER:
        deduper_alone(settings)
        return
    configure_logs(level=settings.log_level, style=settings.log_format)
    refuse_missing_keys(settings)
    refuse_taken_port(settings.host, settings.port)
    with opened_servers(settings, redis=True) as addresses, metrics_folder(settings) as metrics:
        refuse_missing_schema(addresses.database)
        children = api_children(settings, {**addresses.environment(), **metrics})
        Supervisor(children, watches=addresses.watches()).run()
