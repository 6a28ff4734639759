"""`caravan sync`: carries changes between the old store and ours, and tells how far it is."""

import json
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import typer
from prometheus_client import start_http_server
from rich.console import Console
from rich.table import Table

from caravan.core.database.migrate import migrate
from caravan.core.errors import CaravanError
from caravan.core.settings import load_settings
from caravan.core.telemetry.logs import configure_logs
from caravan.entry.addresses import opened_servers
from caravan.entry.tenants import ensured_tenants
from caravan.migration.config import read_config
from caravan.migration.load.planning import plan
from caravan.migration.sync import (
    Direction,
    Flow,
    FlowOptions,
    FlowSetting,
    ask_to_stop,
    begin,
    find_flow,
    flow_settings,
    open_connection,
    release,
)

__all__ = ["app"]

_JOIN: Final = 0.2
_DIRECTIONS: Final[tuple[Direction, ...]] = ("forward", "reverse")

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Follow the changes of the old store while it is loaded and after; write back to it once the new side has the authority.",
)

File = Annotated[Path, typer.Argument(help="The migration file.")]
Way = Annotated[Direction, typer.Option(help="forward: from the old store to ours; reverse: back.")]


@app.command("run")
def run(
    file: File,
    direction: Way = "forward",
    until_caught_up: Annotated[
        bool, typer.Option("--until-caught-up", help="End when nothing is left, instead of waiting for more.")
    ] = False,
    batch: Annotated[int, typer.Option(min=1, help="Changes in one transaction, at most.")] = 2_000,
    most_per_second: Annotated[
        int | None, typer.Option(min=1, help="Changes applied in a second, at most; spares the target.")
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Serve metrics here on 127.0.0.1.")
    ] = None,
) -> None:
    """Carry the changes of every source that tells them, until Ctrl-C, SIGTERM or `caravan sync stop`."""
    logged = load_settings()
    configure_logs(level=logged.log_level, style=logged.log_format)
    options = FlowOptions(batch=batch, most_per_second=most_per_second)
    with _settings_of(file, direction, prepared=True) as settings, _stopping() as stop:
        for setting in settings.values():
            flow = begin(setting)
            _tell(f"{setting.key}: from {flow.applied_number}, mode {flow.mode}")
        if metrics_port is not None:
            start_http_server(metrics_port, addr="127.0.0.1")
        _carry(settings, options, stop, until_caught_up=until_caught_up)


@app.command("status")
def status(file: File, as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Tell each flow: where it is, how far behind, what it did, what went wrong."""
    with _settings_of(file, "forward") as settings:
        keys = [
            replace(setting.key, direction=direction)
            for setting in settings.values()
            for direction in _DIRECTIONS
        ]
        with closing(open_connection(next(iter(settings.values())).database)) as connection:
            found = [flow for key in keys if (flow := find_flow(connection, key)) is not None]
    now = datetime.now(UTC)
    if as_json:
        told = [{**asdict(flow), "lag": asdict(flow.lag(now))} for flow in found]
        print(json.dumps(told, default=str, indent=1))
        return
    Console().print(
        _table(found, now) if found else "no flow was started; `caravan sync run FILE` starts one"
    )


@app.command("stop")
def stop_command(file: File, direction: Way = "forward") -> None:
    """Ask whoever carries the flows to end after the batch in hand."""
    with _settings_of(file, direction) as settings:
        for setting in settings.values():
            with closing(open_connection(setting.database)) as connection:
                ask_to_stop(connection, setting.key)
            _tell(f"{setting.key}: asked to stop")


@app.command("release")
def release_command(file: File, direction: Way = "forward") -> None:
    """Give the flows up: the source keeps nothing for them any more. A later `sync run` begins anew and needs a new load."""
    with _settings_of(file, direction) as settings:
        for setting in settings.values():
            release(setting)
            _tell(f"{setting.key}: released")


@contextmanager
def _settings_of(
    file: Path, direction: Direction, *, prepared: bool = False
) -> Iterator[Mapping[str, FlowSetting]]:
    """Give the flows of a file; ``prepared`` brings the schema up to date first."""
    settings = load_settings()
    config = read_config(file)
    with opened_servers(settings, redis=False) as addresses:
        if prepared:
            migrate(addresses.database)
        tenant = ensured_tenants(addresses.database, config.migration.org, config.migration.client)
        yield flow_settings(config, plan(config, tenant), addresses.database, direction, home=settings.home)


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """Give an event that SIGINT and SIGTERM set; the batch in hand is committed, then the flows end."""
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _carry(
    settings: Mapping[str, FlowSetting],
    options: FlowOptions,
    stop: threading.Event,
    *,
    until_caught_up: bool,
) -> None:
    """Run each flow in a thread of its own; when one fails the others end too, and its error is told."""
    errors: list[Exception] = []

    def one(setting: FlowSetting) -> None:
        try:
            setting.runner(stop, options).run(until_caught_up=until_caught_up)
        except Exception as error:  # noqa: BLE001 - told by the main thread
            errors.append(error)
            stop.set()

    threads = [
        threading.Thread(target=one, args=(setting,), name=str(setting.key)) for setting in settings.values()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(_JOIN)  # short, so that signals are heard
    for error in errors:
        if not isinstance(error, CaravanError):
            raise error
    if errors:
        raise errors[0]


def _table(flows: list[Flow], now: datetime) -> Table:
    table = Table(
        "flow", "state", "mode", "at", "of", "behind", "rows", "overtaken", "refused", "foreign", "error"
    )
    for flow in flows:
        lag = flow.lag(now)
        table.add_row(
            f"{flow.source} {flow.direction}",
            flow.state if flow.stop_number is None else f"{flow.state}, holds at {flow.stop_number}",
            flow.mode,
            str(flow.applied_number),
            str(flow.head_number),
            "caught up" if flow.caught_up and lag.seconds == 0 else f"{lag.seconds:.1f} s",
            f"{flow.rows_applied:,}",
            f"{flow.rows_passed:,}",
            f"{flow.rows_refused:,}",
            f"{flow.foreign_writes:,}",
            f"{flow.error_code}: {flow.error}" if flow.error_code else "",
        )
    return table


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
