"""A shop whose unit is in the last stage of its canary, or switched; and what would be wrong with it."""

from pathlib import Path
from uuid import uuid4

import psycopg

from caravan.core.database import DatabaseAddress
from caravan.migration.config import MigrationConfig, read_config_text
from caravan.migration.cutover.operating import Cutovers
from caravan.migration.units import Scope, UnitValues, entries, record_measurement, register, verify_chain
from tests.integration.migration.cutover.acting import NOW, FakeGateways, World

__all__ = ["AT_CANARY", "CONFIG", "PLACE", "TEXT", "Shop"]

TEXT = """
[migration]
name = "shop"
org = "retail"
[sources.old]
path = "dump"
[[data_sets]]
name = "orders"
source = "old"
collection = "orders"
mapping = "a.b:orders"
[[units]]
name = "orders"
data_sets = ["orders"]
[[routes]]
template = "/orders"
methods = ["POST"]
effect = "write"
key = "address"
unit = "orders"
[gates]
stages = [100]
min_keys = 1
soak = 0
[gateway]
hold_seconds = 30
"""
CONFIG = read_config_text(Path("migration.toml"), TEXT)
CANARY = {"action": "promote", "stage": "100%", "ratio": {"canary_keys": 10}}
AT_CANARY = UnitValues(6, 1, 1.0, "s")
PLACE = "UPDATE engine.units SET state = %(state)s, stage = %(stage)s, share = %(share)s, salt = %(salt)s WHERE org_id = %(org)s"


class Shop:
    """One organisation with its unit in the last stage of its canary, or switched."""

    def __init__(self, address: DatabaseAddress, connection: psycopg.Connection, *, switched: bool) -> None:
        self.connection = connection
        self.world = World()
        self.scope = Scope(uuid4(), "shop")
        self.address = address
        self.gateways = FakeGateways(self.world)
        self.cutovers = self.operator("ann")
        register(connection, self.scope, CONFIG, by="ann", at=NOW)
        values = AT_CANARY
        if switched:
            values = UnitValues(7)
            self.world.table = values
            self.world.old.fences.add(uuid4())
            self.world.forward.state, self.world.reverse.state = "watching", "running"
        place = {"state": values.state, "stage": values.stage, "share": values.share, "salt": values.salt}
        connection.execute(PLACE.encode(), {**self.scope.parameters, **place})
        record_measurement(connection, self.scope, "orders", "canary", CANARY, at=NOW)
        for _ in range(3):
            self.world.live()

    def operator(self, name: str, config: MigrationConfig = CONFIG) -> Cutovers:
        """Somebody at a command line of their own."""
        cutovers = Cutovers(
            self.address,
            self.scope,
            config,
            self.world.parties(),
            self.gateways,
            by=name,
            clock=lambda: NOW,
            sides=lambda: self.world.sides,
        )
        cutovers.patience = 0.0
        return cutovers

    def act(self, command: str) -> str:
        return str(getattr(self.cutovers, command)("orders").did)

    def act_without_settling(self, command: str) -> str:
        """Act as a process that ends with its first error."""
        with self.cutovers.opened() as on:
            target = "switched" if command == "switch" else "shadow-read"
            record_measurement(
                on.connection, self.scope, "orders", "sides", {"old": True, "new": True}, at=NOW
            )
            record_measurement(
                on.connection, self.scope, "orders", "lag", {"running": True, "seconds": 0}, at=NOW
            )
            record_measurement(
                on.connection, self.scope, "orders", "verification", {"rows": 1, "differing": 0}, at=NOW
            )
            return str(on.coordinator.advance(on.lease, "orders", target).did)

    @property
    def stored(self) -> tuple[int, bool, bool]:
        row = self.connection.execute(
            "SELECT state, armed, held FROM engine.units WHERE org_id = %(org)s", self.scope.parameters
        ).fetchone()
        assert row is not None
        return row

    def problems(self) -> list[str]:
        """What would be wrong in the state in which the unit is."""
        world, (state, armed, held) = self.world, self.stored
        for _ in range(2):
            world.live()
        open_ones = self.connection.execute(
            "SELECT count(*) FROM engine.unit_transitions WHERE org_id = %(org)s AND phase IN ('acting', 'unwinding')",
            self.scope.parameters,
        ).fetchone()
        forward, reverse = ("watching", "running") if state >= 7 else ("running", "watching")
        found = {
            f"lost {world.lost()}": bool(world.lost()),
            f"doubled {world.doubled()}": bool(world.doubled()),
            f"clients were refused: {world.client_errors}": bool(world.client_errors),
            "held": held or armed or world.table.held or bool(world.held),
            f"the gateways say {world.table}, the unit {state}": world.table.state != state,
            f"old fences {world.old.fences} in state {state}": bool(world.old.fences) != (state >= 7),
            f"new fences {world.new.fences}": bool(world.new.fences),
            f"flows are {world.forward.state} and {world.reverse.state}": (
                (world.forward.state, world.reverse.state) != (forward, reverse)
            ),
            "a flow stands still": world.forward.stop_at is not None or world.reverse.stop_at is not None,
            "a transition is open": open_ones != (0,),
            "the journal does not hold": verify_chain(
                one.as_json() for one in entries(self.connection, self.scope)
            )
            is not None,
            "the passive side is behind": not set(world.acknowledged) <= set(world.old.rows)
            if state >= 7
            else not set(world.acknowledged) <= set(world.new.rows),
        }
        return [said for said, wrong in found.items() if wrong]
