"""The tables of verifications are those of the models."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine

from caravan.core.database import Base, DatabaseAddress
from caravan.migration.verify import models

OURS = {"verify_runs", "verify_nodes", "verify_repairs"}


def test_the_tables_are_those_of_the_models(module_database: DatabaseAddress) -> None:
    metadata = MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.tables.values():
        if table.name in OURS:
            table.to_metadata(metadata)
    assert {table.name for table in metadata.tables.values()} == OURS, models.__all__
    engine = create_engine(module_database.sqlalchemy("psycopg"))
    with engine.connect() as opened:
        context = MigrationContext.configure(
            opened,
            opts={
                "compare_type": True,
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name in {None, "engine"},
                "include_object": lambda thing, _name, kind, *_: (
                    (thing if kind == "table" else thing.table).name in OURS
                ),
            },
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()
