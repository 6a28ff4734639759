"""`caravan up`: everything, with one command."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.panel import Panel

from caravan.core.database.migrate import migrate
from caravan.core.processes import Supervisor
from caravan.core.settings import Settings, load_settings
from caravan.core.telemetry.logs import configure_logs
from caravan.entry.addresses import Addresses, opened_servers
from caravan.entry.answers import ask_readiness
from caravan.entry.children import JOBS_GRACE, api_children, jobs_child, worker_child
from caravan.entry.commands.load import load_file
from caravan.entry.first_start import first_admin, was_loaded
from caravan.entry.ports import metrics_folder, refuse_taken_port
from caravan.migration.config import MigrationConfig, read_config
from caravan.migration.load import LoadInterruptedError, LoadRunningError
from caravan.platform.identity import AddedUser

__all__ = ["SAMPLE", "app", "up"]

app = typer.Typer(add_completion=False)

SAMPLE: Final = Path("examples/rps/migration.toml")
_PATIENCE: Final = 60.0
_INTERRUPTED: Final = 130

console = Console(stderr=True, highlight=False)


@app.command()
def up(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    processes: Annotated[int | None, typer.Option(help="How many API processes share the port.")] = None,
    migration: Annotated[Path, typer.Option(help="The migration file to load first.")] = SAMPLE,
    sample: Annotated[bool, typer.Option(help="Load that file before serving.")] = True,
) -> None:
    """Start servers, schema, sample, API, worker and console; Ctrl-C ends them all."""
    began = time.monotonic()
    given = {"host": host, "port": port, "processes": processes}
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    configure_logs(level="warning", style="console")
    refuse_taken_port(settings.host, settings.port)
    config = read_config(migration) if sample and (migration.exists() or migration != SAMPLE) else None
    if sample and config is None:
        _tell(f"no sample here ({migration} is part of the repository); serving what the database holds")
    with opened_servers(settings, redis=True, report=_tell) as addresses:
        for revision in migrate(addresses.database):
            _tell(f"schema: {revision}")
        _Start(settings, addresses, config, began).run()
    _tell("stopped")


class _Start:
    """What remains when servers and schema are there. Where the file was loaded before, it is verified while the service starts."""

    def __init__(
        self, settings: Settings, addresses: Addresses, config: MigrationConfig | None, began: float
    ) -> None:
        self._settings = settings
        self._addresses = addresses
        self._config = config
        self._began = began
        self._admin: AddedUser | None = None

    def run(self) -> None:
        if self._config is None or was_loaded(self._addresses.database, self._config.migration.name):
            self._serve(self._prepare)
        elif self._prepare():
            self._serve(lambda: True)
        else:
            raise typer.Exit(_INTERRUPTED)

    def _prepare(self) -> bool:
        """Load, and make the first administrator; False when somebody interrupted it."""
        org = "demo"
        if self._config is not None:
            org = self._config.migration.org
            if self._is_interrupted(self._config):
                return False
        self._admin = first_admin(self._settings, self._addresses.database, org)
        return True

    def _is_interrupted(self, config: MigrationConfig) -> bool:
        try:
            report = load_file(self._settings, self._addresses.database, config)
        except LoadRunningError as error:
            _tell(f"{error.message}; serving meanwhile")
            return False
        return any(stop.code == LoadInterruptedError.code for stop in report.stopped)

    def _serve(self, prepare: Callable[[], bool]) -> None:
        with metrics_folder(self._settings, jobs=True) as metrics:
            environment = {**self._addresses.environment(), **metrics}
            logs = self._settings.home / "log"
            children = [
                *api_children(self._settings, environment, logs / "api.log"),
                worker_child(self._settings, environment, logs / "worker.log"),
                jobs_child(self._settings, self._addresses.database, metrics, logs / "jobs.log"),
            ]
            supervisor = Supervisor(children, grace=JOBS_GRACE, watches=self._addresses.watches(_tell))

            def started() -> None:
                if not prepare():
                    supervisor.stop()
                elif (ready := self._becomes_ready(supervisor)) or not supervisor.stopping:
                    self._welcome(ready=ready)

            supervisor.run(started)

    def _becomes_ready(self, supervisor: Supervisor) -> bool:
        deadline = time.monotonic() + _PATIENCE
        checks: dict[str, Any] = {}
        while time.monotonic() < deadline and not supervisor.stopping:
            answer = ask_readiness(self._settings)
            if answer is not None:
                ready, checks = answer
                if ready:
                    return True
            supervisor.look_after()
            time.sleep(0.05)
        if not supervisor.stopping:
            problems = [
                f"{name}: {check['detail']}" for name, check in checks.items() if check["status"] == "failed"
            ]
            logs = self._settings.home / "log"
            _tell(f"not ready after {_PATIENCE:g} s: {'; '.join(problems) or f'the logs in {logs} say why'}")
        return False

    def _welcome(self, *, ready: bool) -> None:
        settings = self._settings
        lines = [
            f"console   {settings.url}/console",
            f"API       {settings.url}/api/v1/orders",
            f"legacy    {settings.url}/rps/orders",
            f"docs      {settings.url}/docs",
            f"health    {settings.url}/readyz",
            f"logs      {settings.home / 'log'}",
            "",
        ]
        if self._admin is not None:
            lines += [
                f"e-mail    {self._admin.email}",
                f"password  {self._admin.password}",
                "Shown once; changed at first log-in.",
            ]
        else:
            lines += ["Log in as before; `caravan user reset-password E-MAIL` gives a new password."]
        seconds = time.monotonic() - self._began
        title = f"Caravan is up ({seconds:.1f} s)" if ready else "Caravan runs, but is not ready"
        console.print(Panel("\n".join(lines), title=title, expand=False))
        console.print("Ctrl-C ends everything.")


def _tell(line: str) -> None:
    console.print(f"  {line}", markup=False)
