"""A unit's steps become versions of the gateways' route table, confirmed before the next step."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from caravan.core.database import DatabaseAddress
from caravan.migration.config import MigrationConfig, read_config_text
from caravan.migration.gateway.errors import NotConfirmedError
from caravan.migration.units import (
    Coordinator,
    LeaseLostError,
    Publication,
    Scope,
    Step,
    UnitValues,
    connected,
    entries,
    held_lease,
    record_measurement,
    register,
)
from caravan.migration.units.gateway_publisher import GatewayPublisher

FILE = """
[migration]
name = "shop"
org = "retail"
[shadow]
sample = 0.25
[[units]]
name = "orders"
writes = "cohort"
lag = 3
[[routes]]
template = "/orders/{id}"
effect = "read"
key = "header:X-User"
unit = "orders"
fallback = true
[[routes]]
template = "/health"
effect = "read"
[gateway]
sample_unknown = 0.5
"""
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TABLE = (
    "SELECT t.version, t.epoch, t.document FROM engine.route_tables t JOIN engine.route_pointers p USING (org_id, migration, version)"
    " WHERE org_id = %(org)s"
)
PROCESS = (
    "INSERT INTO engine.gateway_processes (org_id, migration, name, version, epoch, armed, held, in_flight, lease_seconds, seen_at)"
    " VALUES (%(org)s, %(migration)s, 'one', 0, 0, '[]', '[]', '{}', 60, now())"
)

BEGUN = (
    "INSERT INTO engine.unit_transitions (org_id, id, migration, unit, edge, phase, before, after, steps, inverse, by)"
    " VALUES (%(org)s, %(id)s, %(migration)s, 'orders', 'e', 'acting', '{}', '{}', %(steps)s, '[]', 'ann')"
)


@pytest.fixture
def connection(module_database: DatabaseAddress) -> Iterator[psycopg.Connection]:
    with connected(module_database) as connection:
        yield connection


@pytest.fixture
def config() -> MigrationConfig:
    return read_config_text(Path("migration.toml"), FILE)


@pytest.fixture
def scope() -> Scope:
    return Scope(uuid4(), "shop")


def publication(connection: psycopg.Connection, scope: Scope, **values: object) -> Publication:
    """Return the one step of a transition that has begun."""
    step, transition = Step("publish", UnitValues(**values)), uuid4()  # type: ignore[arg-type]  # fields
    connection.execute("DELETE FROM engine.unit_transitions WHERE org_id = %(org)s", scope.parameters)
    connection.execute(
        BEGUN.encode(), {**scope.parameters, "id": transition, "steps": Jsonb([step.as_json()])}
    )
    return Publication(scope, "orders", transition, 0, step)


def test_a_step_becomes_a_version_and_the_same_step_none(
    module_database: DatabaseAddress, connection: psycopg.Connection, config: MigrationConfig, scope: Scope
) -> None:
    register(connection, scope, config, by="ann", at=NOW)
    publisher = GatewayPublisher(module_database, config, by="ann")
    step = publication(connection, scope, state=6, stage=1, share=0.05, salt="s")
    first = publisher.publish(step)
    assert first == {"step": "publish", "version": 1, "epoch": 0, "gateways": []}
    assert publisher.publish(step)["version"] == 1
    version, _, document = connection.execute(TABLE.encode(), scope.parameters).fetchall()[0]
    (unit,), routes = document["units"], document["routes"]
    assert (version, unit["state"], unit["share"], unit["salt"]) == (1, 6, 0.05, "s")
    assert (unit["writes"], unit["lag_seconds"]) == ("cohort", 3.0)
    assert [(route["template"], route["sample"], route["fallback"]) for route in routes] == [
        ("/orders/{id}", 1.0, True),  # of a canary, every exchange is looked at
        ("/health", 0.25, False),
    ]
    assert document["sample_unknown"] == 0.5
    assert publisher.publish(publication(connection, scope, state=7))["epoch"] == 1


def test_nothing_of_a_unit_is_copied_before_its_replay(
    module_database: DatabaseAddress, connection: psycopg.Connection, config: MigrationConfig, scope: Scope
) -> None:
    register(connection, scope, config, by="ann", at=NOW)
    GatewayPublisher(module_database, config, by="ann").publish(publication(connection, scope, state=1))
    document = connection.execute(TABLE.encode(), scope.parameters).fetchall()[0][2]
    assert [route["sample"] for route in document["routes"]] == [0.0, 0.25]


def test_a_unit_waits_where_a_gateway_does_not_follow_and_goes_on_when_it_does(
    module_database: DatabaseAddress, connection: psycopg.Connection, config: MigrationConfig, scope: Scope
) -> None:
    record_measurement(connection, scope, "orders", "contract", {"frozen": True, "coverage": 1}, at=NOW)
    connection.execute(PROCESS.encode(), scope.parameters)
    publisher = GatewayPublisher(module_database, config, by="ann", seconds=0.05)
    coordinator = Coordinator(connection, scope, config, publisher, by="ann", clock=lambda: NOW)
    with held_lease(connection, scope) as lease:
        with pytest.raises(NotConfirmedError, match="one"):
            coordinator.advance(lease, "orders", "contracted")
        connection.execute(
            "UPDATE engine.gateway_processes SET version = 1 WHERE org_id = %(org)s", scope.parameters
        )
        assert coordinator.advance(lease, "orders", "contracted").did == "finished"
    effects = [entry.facts for entry in entries(connection, scope) if entry.phase == "effect"]
    assert [effect["told"]["gateways"] for effect in effects] == [["one"]]


@pytest.mark.parametrize(
    "meanwhile",
    ["SET done_steps = 1", "SET phase = 'done'", 'SET steps = \'[{"name": "release", "values": {}}]\''],
)
def test_whoever_comes_too_late_publishes_nothing(
    module_database: DatabaseAddress,
    connection: psycopg.Connection,
    config: MigrationConfig,
    scope: Scope,
    meanwhile: str,
) -> None:
    register(connection, scope, config, by="ann", at=NOW)
    late = publication(connection, scope, state=6, share=1.0)
    connection.execute(
        f"UPDATE engine.unit_transitions {meanwhile} WHERE org_id = %(org)s".encode(), scope.parameters
    )
    with pytest.raises(LeaseLostError, match="not at the step 'publish' any more"):
        GatewayPublisher(module_database, config, by="ann").publish(late)
    assert connection.execute(TABLE.encode(), scope.parameters).fetchall() == []


def test_a_hold_has_the_budget_of_the_clients(
    module_database: DatabaseAddress, connection: psycopg.Connection, config: MigrationConfig, scope: Scope
) -> None:
    register(connection, scope, config, by="ann", at=NOW)
    connection.execute(PROCESS.encode(), scope.parameters)
    publisher = GatewayPublisher(module_database, config, by="ann", seconds=30)
    with pytest.raises(NotConfirmedError, match="After 1 s"):
        publisher.publish(publication(connection, scope, state=6, stage=1, share=1.0, armed=True, held=True))
