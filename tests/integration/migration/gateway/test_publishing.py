"""Route tables in the database: one winner, a fencing number, holds that ask for arming first."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine

from caravan.core.database import Base, Database, DatabaseAddress, Role
from caravan.migration.gateway.errors import RouteTableConflictError, UnitNotArmedError, UnitUnknownError
from caravan.migration.gateway.models import GatewayProcess, RoutePointer, RouteTableRow
from caravan.migration.gateway.plan import PlannedRoute, PlannedUnit, RoutePlan
from caravan.migration.gateway.publishing import (
    Published,
    arm,
    change_unit,
    current_table,
    hold,
    publish_table,
    release,
)

pytestmark = pytest.mark.asyncio

PLAN = RoutePlan(
    units=(PlannedUnit(name="orders", state=4), PlannedUnit(name="carts")),
    routes=(PlannedRoute(template="/orders", methods=("POST",), effect="write", unit="orders"),),
)


@pytest_asyncio.fixture(loop_scope="session")
async def system_database(module_database: DatabaseAddress) -> AsyncIterator[Database]:
    """The system's connections; each test has an organisation of its own."""
    database = Database(module_database, role=Role.SYSTEM, pool=3, read_pool=1)
    yield database
    await database.close()


@pytest.fixture
def org() -> UUID:
    return uuid4()


async def publish(
    database: Database, org: UUID, plan: RoutePlan = PLAN, *, expected: int, by: str = "ann"
) -> Published:
    async with database.write() as session:
        return await publish_table(session, org, "shop", plan, expected=expected, by=by)


async def test_a_table_is_published_and_found_again(system_database: Database, org: UUID) -> None:
    assert (await publish(system_database, org, expected=0)).version == 1
    assert (await publish(system_database, org, expected=1)).version == 2

    async with system_database.read() as session:
        found = await current_table(session, org, "shop")
        nothing = await current_table(session, org, "another")
    assert (found.version, found.epoch, found.plan, found.by) == (2, 0, PLAN, "ann")
    assert (nothing.version, nothing.plan) == (0, RoutePlan())


async def test_who_comes_second_is_told_who_was_first(system_database: Database, org: UUID) -> None:
    await publish(system_database, org, expected=0, by="ann")

    with pytest.raises(RouteTableConflictError, match="at version 1, not 0: ann published it"):
        await publish(system_database, org, expected=0, by="bob")


async def test_of_two_operators_at_once_exactly_one_wins(system_database: Database, org: UUID) -> None:
    results = await asyncio.gather(
        *(publish(system_database, org, expected=0, by=name) for name in ("ann", "bob", "eve")),
        return_exceptions=True,
    )

    won = [result for result in results if isinstance(result, Published)]
    lost = [result for result in results if isinstance(result, RouteTableConflictError)]
    assert (len(won), len(lost)) == (1, 2)
    assert all(won[0].by in error.message for error in lost)


async def test_the_epoch_grows_only_with_a_change_of_authority(system_database: Database, org: UUID) -> None:
    await publish(system_database, org, expected=0)
    epochs = []
    for state in (6, 7, 8, 7, 4, 5):
        async with system_database.write() as session:
            epochs.append((await change_unit(session, org, "shop", "orders", by="ann", state=state)).epoch)

    assert epochs == [0, 1, 1, 1, 2, 2]


async def test_a_unit_is_held_and_released_to_the_new_side(system_database: Database, org: UUID) -> None:
    await publish(system_database, org, expected=0)
    async with system_database.write() as session:
        with pytest.raises(UnitNotArmedError):
            await hold(session, org, "shop", "orders", by="ann")
    async with system_database.write() as session:
        await arm(session, org, "shop", "orders", by="ann")
    async with system_database.write() as session:
        held = await hold(session, org, "shop", "orders", by="ann")
    async with system_database.write() as session:
        released = await release(session, org, "shop", "orders", "new", by="ann")

    unit = held.plan.unit("orders")
    assert unit is not None
    assert (unit.armed, unit.held, held.epoch) == (True, True, 0)
    assert released.plan.unit("orders") == PlannedUnit(name="orders", state=7)
    assert released.epoch == 1


async def test_a_hold_that_failed_is_released_to_the_old_side_as_it_was(
    system_database: Database, org: UUID
) -> None:
    await publish(system_database, org, expected=0)
    async with system_database.write() as session:
        await arm(session, org, "shop", "orders", by="ann")
        await hold(session, org, "shop", "orders", by="ann")
        released = await release(session, org, "shop", "orders", "old", by="ann")
        with pytest.raises(ValueError, match="no write authority"):
            await release(session, org, "shop", "orders", "old", by="ann", state=7)

    assert (released.plan, released.epoch) == (PLAN, 0)


async def test_a_unit_that_is_not_there_is_told(system_database: Database, org: UUID) -> None:
    async with system_database.write() as session:
        with pytest.raises(UnitUnknownError, match="'orders'; the table has: none"):
            await arm(session, org, "shop", "orders", by="ann")


async def test_a_publication_that_is_rolled_back_leaves_nothing(system_database: Database, org: UUID) -> None:
    async def broken() -> None:
        async with system_database.write() as session:
            await publish_table(session, org, "shop", PLAN, expected=0, by="ann")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await broken()

    async with system_database.read() as session:
        assert (await current_table(session, org, "shop")).version == 0


async def test_the_tables_are_those_of_the_models(module_database: DatabaseAddress) -> None:
    ours = MetaData()
    for model in (RouteTableRow, RoutePointer, GatewayProcess):
        Base.metadata.tables[f"engine.{model.__tablename__}"].to_metadata(ours)
    engine = create_engine(module_database.sqlalchemy("psycopg"))
    with engine.connect() as opened:
        context = MigrationContext.configure(
            opened,
            opts={
                "compare_type": True,
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == "engine",
                "include_object": lambda thing, _name, kind, *_: (
                    (thing if kind == "table" else thing.table).fullname in ours.tables
                ),
            },
        )
        differences = compare_metadata(context, ours)
    engine.dispose()

    assert len(ours.tables) == 3
    assert differences == []
