"""One migration as `caravan run` runs it, with its units moved as people move them."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from caravan.core.database import DatabaseAddress
from caravan.entry.tenants import ensured_tenants
from caravan.migration.conductor import Overview, overview
from caravan.migration.config import MigrationConfig, read_config
from caravan.migration.gateway.cohort import bucket, threshold
from caravan.migration.units import Entry, Scope, UnitValues, connected, entries, stored_units
from scripts.demo.case import Case
from scripts.demo.commands import Commands
from scripts.drill.record import DrillError
from scripts.drill.sides import ROOT, Limit, program, until
from tools.free_ports import free_port

__all__ = ["Migration", "commands_in", "migrating", "written"]


@dataclass(frozen=True)
class Migration:
    """``unit`` is the one that is moved; ``console`` is the line that says where to look, and how to come in."""

    address: DatabaseAddress
    scope: Scope
    config: MigrationConfig
    unit: str
    port: int
    commands: Commands
    console: str

    def seen(self) -> Overview:
        """Look at everything."""
        with connected(self.address, read_only=True) as connection:
            return overview(connection, self.scope, self.config)

    def values(self) -> UnitValues:
        """Return where the unit is."""
        with connected(self.address, read_only=True) as connection:
            return stored_units(connection, self.scope)[self.unit].values

    def last_entry(self, phase: str) -> Entry:
        """Return the journal's last entry of this phase, for the unit."""
        with connected(self.address, read_only=True) as connection:
            return [one for one in entries(connection, self.scope, self.unit) if one.phase == phase][-1]

    def is_open(self, target: str) -> bool:
        """Whether the way there is open by now."""
        time.sleep(0.25)
        unit = self.seen().unit(self.unit)
        return unit is not None and any(way.target == target and way.open for way in unit.ways)

    def advance(self, *targets: str) -> None:
        """Move the unit on."""
        for target in targets:
            self.commands.run("migration", "advance", self.config.file, self.unit, target, "--by", "demo")

    def back(self, target: str) -> None:
        """Move the unit back."""
        self.commands.run("migration", "back", self.config.file, self.unit, target, "--by", "demo")

    def is_member(self, key: str, values: UnitValues) -> bool:
        """Whether a client's key is in the cohort, computed as the gateway does."""
        return bucket(values.salt, key.encode()) < threshold(values.share)

    def until(self, holds: Callable[[], Any], what: str, *, seconds: float | None = None) -> Any:  # noqa: ANN401 - whatever holds
        """Wait for something, within the time for all of it."""
        return until(holds, self.commands.limit if seconds is None else Limit(seconds), what)


def commands_in(home: Path, address: DatabaseAddress, limit: Limit) -> Commands:
    """Return the command line of one migration: a home, ports of its own, and the database."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR") if name in os.environ
    }
    return Commands(
        home,
        {
            **kept,
            "DATABASE_URL": address.url,
            "CARAVAN_HOME": str(home),
            "CARAVAN_GATEWAY_ADMIN_PORT": str(free_port()),
            "CARAVAN_CONDUCTOR_ADMIN_PORT": str(free_port()),
            "CARAVAN_CONSOLE_PORT": str(free_port()),
            "CARAVAN_GATEWAY_ACCESS_LOG": "0",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        },
        limit,
    )


def written(case: Case, home: Path) -> tuple[Path, int]:
    """Write the migration file, and return it with the gateway's port."""
    port, file = free_port(), home / "migration.toml"
    file.write_text(case.text.replace("{port}", str(port)), encoding="utf-8")
    return file, port


@contextmanager
def migrating(
    unit: str, file: Path, port: int, commands: Commands, address: DatabaseAddress
) -> Iterator[Migration]:
    """Run `caravan run` for a migration file, of which a unit is moved."""
    config = read_config(file)
    with program("run", commands.line("run", file), commands.folder, commands.environment) as process:
        log = commands.folder / "run.log"
        for name in ("GATEWAY_ADMIN", "CONDUCTOR_ADMIN"):
            ready = int(commands.environment[f"CARAVAN_{name}_PORT"])
            until(partial(_ready, process, ready, log), commands.limit, "gateway and conductor are ready")
        org, _ = ensured_tenants(address, config.migration.org, None)
        console = next((line for line in log.read_text().splitlines() if line.startswith("console ")), "")
        scope = Scope(org, config.migration.name)
        yield Migration(address, scope, config, unit, port, commands, console)


def _ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> bool:
    if process.poll() is not None:
        last = " / ".join(log.read_text(errors="replace").splitlines()[-5:])
        raise DrillError(f"caravan run ended: {last}")
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        time.sleep(0.1)
        return False
