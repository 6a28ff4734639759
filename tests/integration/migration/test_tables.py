"""The engine's tables are those of its rooms' models."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine

from caravan.core.database import Base, DatabaseAddress
from caravan.migration.conductor import models as conductor
from caravan.migration.cutover.observing import models as observing
from caravan.migration.sync import models as sync
from caravan.migration.units import models as units
from caravan.migration.verify import models as verify

TABLES = {
    conductor: {
        "conductors", "conductor_state", "route_traffic", "difference_groups", "migration_alerts", "unit_holds",
        "operator_requests", "operator_sessions", "console_readers",
    },
    observing: {"table_uses", "request_notes"},
    sync: {"flows", "applied", "foreign_writes", "row_aliases"},
    units: {
        "migrations", "units", "unit_states", "unit_transitions", "unit_measurements", "unit_decisions", "migration_leases",
        "migration_journal", "accepted_differences",
    },
    verify: {"verify_runs", "verify_nodes", "verify_repairs"},
}  # fmt: skip


@pytest.mark.parametrize("tables", TABLES.values(), ids=[room.__name__.split(".")[-2] for room in TABLES])
def test_the_tables_of_a_room_are_those_of_its_models(
    module_database: DatabaseAddress, tables: set[str]
) -> None:
    metadata = MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.tables.values():
        if table.name in tables:
            table.to_metadata(metadata)
    assert {table.name for table in metadata.tables.values()} == tables
    engine = create_engine(module_database.sqlalchemy("psycopg"))
    with engine.connect() as opened:
        context = MigrationContext.configure(
            opened,
            opts={
                "compare_type": True,
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name in {None, "engine"},
                "include_object": lambda thing, _name, kind, *_: (
                    (thing if kind == "table" else thing.table).name in tables
                ),
            },
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()
