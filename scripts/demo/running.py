"""One migration as `caravan run` runs it, with its units moved as people move them."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.core.principal import Principal, PrincipalKind
from caravan.entry.tenants import ensured_tenants
from caravan.migration.conductor import ADVANCE, BACK, ByHand, Overview, overview
from caravan.migration.config import MigrationConfig, read_config
from caravan.migration.gateway.cohort import bucket, threshold
from caravan.migration.units import (
    Coordinator,
    Scope,
    UnitValues,
    connected,
    held_lease,
    look_at_sides,
    record_measurement,
    stored_units,
)
from caravan.migration.units.gateway_publisher import GatewayPublisher
from scripts.drill.record import DrillError
from scripts.drill.sides import ROOT, Limit, free_port, program, until

__all__ = ["Migration", "migrating"]

GIVEN: Mapping[str, Mapping[str, Any]] = {
    "contract": {"frozen": True, "coverage": 1.0, "by": "demo"},
    "replay": {"judged": 1, "unexplained": 0, "by": "demo"},
}
"""What is not shown here is written down by hand: the demonstration begins with the shadow."""


@dataclass
class Migration:
    """``unit`` is the one that is moved."""

    address: DatabaseAddress
    scope: Scope
    config: MigrationConfig
    unit: str
    port: int
    admin: int
    limit: Limit

    def seen(self) -> Overview:
        """Look at everything."""
        with connected(self.address, read_only=True) as connection:
            return overview(connection, self.scope, self.config)

    def values(self) -> UnitValues:
        """Return where the unit is."""
        with connected(self.address, read_only=True) as connection:
            return stored_units(connection, self.scope)[self.unit].values

    def advance(self, *targets: str) -> None:
        """Move the unit on."""
        with connected(self.address) as connection:
            for kind, figures in GIVEN.items():
                record_measurement(connection, self.scope, self.unit, kind, figures, at=utc_now())
            sides = look_at_sides(self.config)
            record_measurement(connection, self.scope, self.unit, "sides", sides, at=utc_now())
            publisher = GatewayPublisher(self.address, self.config, by="demo")
            coordinator = Coordinator(connection, self.scope, self.config, publisher, by="demo")
            for target in targets:
                with held_lease(connection, self.scope) as lease:
                    coordinator.advance(lease, self.unit, target)

    def roll_back_by_hand(self) -> None:
        """Press the button."""
        person = Principal(PrincipalKind.USER, UUID(int=1), name="demo", scopes=frozenset((ADVANCE, BACK)))
        ByHand(self.address, self.scope, self.config, person).roll_back(self.unit, "shown; on to the next")

    def is_member(self, key: str, salt: str, share: float) -> bool:
        """Whether a client's key is in the cohort, computed as the gateway does."""
        return bucket(salt, key.encode()) < threshold(share)

    def until(self, holds: Callable[[], Any], what: str, *, seconds: float | None = None) -> Any:  # noqa: ANN401
        """Wait for something, within the time for all of it."""
        return until(holds, self.limit if seconds is None else Limit(seconds), what)


@contextmanager
def migrating(
    home: Path, text: str, unit: str, address: DatabaseAddress, limit: Limit
) -> Iterator[Migration]:
    """Run `caravan run` for a migration file of this text; ``{port}`` in it is the gateway's."""
    home.mkdir(parents=True, exist_ok=True)
    port, admin, conductor = free_port(), free_port(), free_port()
    file = home / "migration.toml"
    file.write_text(text.replace("{port}", str(port)), encoding="utf-8")
    config = read_config(file)
    environment = {
        "DATABASE_URL": address.url,
        "CARAVAN_HOME": str(home),
        "CARAVAN_GATEWAY_ADMIN_PORT": str(admin),
        "CARAVAN_CONDUCTOR_ADMIN_PORT": str(conductor),
        "CARAVAN_GATEWAY_ACCESS_LOG": "0",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    }
    command = [sys.executable, "-m", "caravan.entry.cli", "run", str(file)]
    with program("run", command, home, environment) as process:
        for one in (admin, conductor):
            until(partial(_ready, process, one, home), limit, "gateway and conductor are ready")
        org, _ = ensured_tenants(address, config.migration.org, None)
        yield Migration(address, Scope(org, config.migration.name), config, unit, port, admin, limit)


def _ready(process: Any, port: int, home: Path) -> bool:  # noqa: ANN401 - Popen
    if process.poll() is not None:
        last = " / ".join((home / "run.log").read_text(errors="replace").splitlines()[-5:])
        raise DrillError(f"caravan run ended: {last}")
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        time.sleep(0.1)
        return False
