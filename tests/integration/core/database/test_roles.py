"""The service's role is bound by row-level security whatever the connecting user may do."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from caravan.core.database import Database, DatabaseAddress, Role
from caravan.core.database.migrate import DatabaseRightsError, migrate, pending
from tests.fixtures.databases import as_administrator

pytestmark = pytest.mark.asyncio


async def test_every_connection_of_the_service_has_its_role(app_database: Database) -> None:
    async with app_database.read() as session:
        assert await session.scalar(text("SELECT current_user::text")) == Role.APP


async def test_the_role_survives_a_reset_of_all_settings(app_database: Database) -> None:
    async with app_database.write() as session:
        await session.execute(text("RESET ALL"))
        assert await session.scalar(text("SELECT current_user::text")) == Role.APP


async def test_read_models_run_in_the_same_role(app_database: Database) -> None:
    assert await app_database.fetch_value("SELECT current_user::text") == Role.APP


async def test_migrating_twice_applies_nothing_the_second_time(own_database: DatabaseAddress) -> None:
    assert migrate(own_database) == []
    assert not pending(own_database)


async def test_a_user_who_may_not_make_roles_is_given_the_statements_and_they_suffice(
    postgres_server: DatabaseAddress,
) -> None:
    name = f"humble_{uuid4().hex[:12]}"
    as_administrator(postgres_server, f"CREATE ROLE {name} LOGIN", f"CREATE DATABASE {name}")
    theirs = postgres_server.named(name)
    humble = DatabaseAddress(theirs.url.replace("//postgres@", f"//{name}@"))
    try:
        with pytest.raises(DatabaseRightsError, match="GRANT caravan_app") as caught:
            migrate(humble)
        statements = caught.value.message.partition("Statements needed:\n")[2]
        as_administrator(theirs, *filter(None, (part.strip() for part in statements.split(";\n"))))
        assert migrate(humble)
        assert migrate(humble) == []
    finally:
        as_administrator(
            postgres_server,
            f"DROP DATABASE {name} WITH (FORCE)",
            f"DROP OWNED BY {name}",
            f"DROP ROLE {name}",
        )
