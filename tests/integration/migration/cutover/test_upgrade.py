"""Caravan is upgraded while a unit is switched: journal and ledger are kept, and the way back is open."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from alembic import command
from psycopg.types.json import Jsonb

from caravan.core.database import DatabaseAddress
from caravan.core.database.migrate import _config, _owner, _prepare, migrate
from caravan.migration.sync.flow_rows import flows_of
from caravan.migration.units import (
    Coordinator,
    Scope,
    Step,
    UnitValues,
    append,
    connected,
    entries,
    held_lease,
    stored_units,
    verify_chain,
)
from caravan.migration.units.values import steps_between
from tests.fixtures.databases import as_administrator
from tests.integration.migration.cutover.acting import NOW, FakeGateways, World
from tests.integration.migration.cutover.shop import CONFIG, Shop

BEFORE_DATA = "0016_dry_runs"
SWITCHED = UnitValues(7)
UNIT = """
INSERT INTO engine.units (org_id, migration, unit, state, entered_at) VALUES (%(org)s, %(migration)s, %(unit)s, 7, now())
"""
LEDGER = """
INSERT INTO engine.ledger (org_id, migration, data_set, chunk, first_ordinal, records, quarantined, source_hash, mapping_version, sums)
SELECT %(org)s, %(migration)s, 'orders', n, n * 100, 100, 0, sha256(n::text::bytea), 'v1', '{"rows": 100}' FROM generate_series(0, 9) n
"""
OPEN = """
INSERT INTO engine.unit_transitions (org_id, id, migration, unit, edge, phase, before, after, steps, inverse, done_steps, by)
VALUES (%(org)s, gen_random_uuid(), %(migration)s, 'carts', 'switch back', 'acting', %(before)s, %(after)s, %(steps)s, %(inverse)s, 3, 'ann')
"""


@pytest.fixture
def empty_database(postgres_server: DatabaseAddress) -> Iterator[DatabaseAddress]:
    name = f"caravan_upgrade_{uuid4().hex[:12]}"
    as_administrator(postgres_server, f"CREATE DATABASE {name}")
    yield postgres_server.named(name)
    as_administrator(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


def test_an_upgrade_in_the_middle_of_a_migration_keeps_everything_and_the_way_back(
    empty_database: DatabaseAddress,
) -> None:
    _prepare(empty_database)
    with _owner(empty_database) as owner:
        command.upgrade(_config(owner), BEFORE_DATA)
        owner.commit()
    scope = Scope(uuid4(), "shop")
    with connected(empty_database) as connection:
        for unit in ("orders", "carts"):
            connection.execute(UNIT.encode(), {**scope.parameters, "unit": unit})
        connection.execute(LEDGER.encode(), scope.parameters)
        written = [old_step(step) for step in steps_between(SWITCHED, UnitValues(4), "switch")]
        row = {"before": SWITCHED.as_json(), "after": UnitValues(4).as_json()}
        columns = {name: Jsonb(value) for name, value in {**row, "steps": written, "inverse": []}.items()}
        connection.execute(OPEN.encode(), {**scope.parameters, **columns})
        with connection.transaction(), connection.cursor() as cursor:
            for number in range(20):
                facts = {"number": number, **written[number % 4]}
                append(cursor, scope, at=NOW, phase="step", by="ann", facts=facts, unit="orders")
        journal = [one.as_json() for one in entries(connection, scope)]
        ledger = connection.execute("SELECT * FROM engine.ledger ORDER BY chunk").fetchall()

    assert migrate(empty_database)[0] == "0017_flows"

    with connected(empty_database) as connection:
        assert [one.as_json() for one in entries(connection, scope)] == journal
        assert verify_chain(journal) is None
        assert connection.execute("SELECT * FROM engine.ledger ORDER BY chunk").fetchall() == ledger
        assert stored_units(connection, scope)["orders"].values == SWITCHED
        world = World(table=SWITCHED)
        carts = CONFIG.model_copy(
            update={"units": (CONFIG.units[0].model_copy(update={"name": "carts", "data_sets": ()}),)}
        )
        coordinator = Coordinator(connection, scope, carts, FakeGateways(world), by="bob", clock=lambda: NOW)
        with held_lease(connection, scope) as lease:
            moved = coordinator.back(lease, "carts", "shadow-read")
        assert (moved.did, world.table) == ("finished", UnitValues(4))
        assert verify_chain(one.as_json() for one in entries(connection, scope)) is None


def old_step(step: Step) -> dict[str, object]:
    """Return a step as versions before the data half wrote it."""
    return {"name": step.name, "values": step.values.as_json()}


FLOW = """
INSERT INTO engine.flows (org_id, migration, source, direction, epoch, mode, state, start_number, applied_number, head_number, rows_applied,
    foreign_writes)
VALUES (%(org)s, %(migration)s, 'old', %(direction)s, 3, %(mode)s, 'running', 100, 900, 900, 42, %(foreign)s)
"""
LEASE = "INSERT INTO engine.migration_leases (org_id, migration, holder, fencing, expires_at) VALUES (%(org)s, %(migration)s, 'ann', 7, now())"
WITH_DATA = "0019_operators"


def test_a_unit_that_was_switched_with_its_data_before_an_upgrade_goes_back_after_it(
    empty_database: DatabaseAddress,
) -> None:
    """Flows, journal, measurements and lease are rows of three schema versions ago; the way back asks for all of them."""
    _prepare(empty_database)
    with _owner(empty_database) as owner:
        command.upgrade(_config(owner), WITH_DATA)
        owner.commit()
    with connected(empty_database) as connection:
        shop = Shop(empty_database, connection, switched=True)
        for direction, mode, foreign in (("forward", "watch", 2), ("reverse", "apply", 0)):
            named = {**shop.scope.parameters, "direction": direction, "mode": mode, "foreign": foreign}
            connection.execute(FLOW.encode(), named)
        connection.execute(LEASE.encode(), shop.scope.parameters)
        connection.execute(LEDGER.encode(), shop.scope.parameters)
        journal = [one.as_json() for one in entries(connection, shop.scope)]
        ledger = connection.execute("SELECT * FROM engine.ledger ORDER BY chunk").fetchall()

        assert migrate(empty_database)[0] > WITH_DATA

        forward, reverse = flows_of(connection, shop.scope.parameters)
        assert (forward.mode, forward.applied_number, forward.foreign_writes) == ("watch", 900, 2)
        assert (reverse.mode, reverse.rows_applied, reverse.retained_bytes) == ("apply", 42, None)
        assert connection.execute("SELECT * FROM engine.ledger ORDER BY chunk").fetchall() == ledger
        assert shop.act("reverse") == "moved"
        assert shop.problems() == []
        assert [one.as_json() for one in entries(connection, shop.scope)][: len(journal)] == journal
        shop.world.live()
        assert shop.stored[0] == 4
