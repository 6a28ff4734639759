"""Roles and schema brought to the version of this code, once at a time, without stopping the shop."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, text

import caravan
from caravan.core.database.connection import DatabaseAddress, Role
from caravan.core.database.security import bulk_load_statement, grant_statements, role_statements
from caravan.core.errors import CaravanError

__all__ = ["DatabaseRightsError", "current_revision", "head_revision", "migrate", "pending"]

SCHEMAS: Final = ("engine", "legacy_rps")
_LOCK: Final = 0x6361726176616E
_PACKAGED: Final = Path(caravan.__file__).parent / "_migrations"
_REPOSITORY: Final = Path(caravan.__file__).parents[2] / "migrations"


class DatabaseRightsError(CaravanError):
    code = "database_rights"
    status = 500
    title = "The database user may not do this"
    fix = "Have an administrator of the database run the statements in the message, then start again."


def migrate(address: DatabaseAddress) -> list[str]:
    """Make roles, schemas and tables; returns the revisions that were applied, none when all was done before.

    Raises:
        DatabaseRightsError: with the statements to run, when the connecting user may not create roles.
    """
    _prepare(address)
    with _owner(address) as connection:
        connection.execute(text(f"SELECT pg_advisory_lock({_LOCK})"))
        connection.commit()
        try:
            before = MigrationContext.configure(connection).get_current_revision()
            if before == head_revision():
                return []  # without this every command would import every model, to find that there is nothing to do
            command.upgrade(_config(connection), "head")
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))
            connection.commit()
    script = ScriptDirectory.from_config(_config(None))
    return [step.revision for step in script.iterate_revisions("head", before)][::-1]


def current_revision(address: DatabaseAddress) -> str | None:
    """Return the revision the database is at."""
    with _owner(address) as connection:
        return MigrationContext.configure(connection).get_current_revision()


@cache
def head_revision() -> str | None:
    """Return the revision this code expects."""
    return ScriptDirectory.from_config(_config(None)).get_current_head()


def pending(address: DatabaseAddress) -> bool:
    """Tell whether the schema is older (or newer) than this code."""
    return current_revision(address) != head_revision()


def preparation(database: str, user: str | None = None) -> Iterator[str]:
    """Yield the statements that an administrator runs once, for ``user``: roles, schemas and their grants."""
    yield from role_statements(user)
    yield f'GRANT CREATE, CONNECT, TEMPORARY ON DATABASE "{database}" TO {Role.OWNER}'
    yield f'GRANT CONNECT, TEMPORARY ON DATABASE "{database}" TO {Role.APP}, {Role.SYSTEM}'
    yield f"GRANT CREATE, USAGE ON SCHEMA public TO {Role.OWNER}"
    for schema in SCHEMAS:
        yield f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {Role.OWNER}"
    for schema in ("public", *SCHEMAS):
        yield from grant_statements(schema)
    yield bulk_load_statement()


def _prepare(address: DatabaseAddress) -> None:
    statements = list(preparation(address.database))
    with psycopg.connect(address.libpq(None, application="caravan db"), autocommit=True) as connection:
        if _prepared(connection):
            return
        try:
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                for statement in statements:
                    connection.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege as error:
            printed = ";\n".join(preparation(address.database, connection.info.user))
            raise DatabaseRightsError(
                f"{error.diag.message_primary}. Statements needed:\n{printed};"
            ) from None


def _prepared(connection: psycopg.Connection) -> bool:
    row = connection.execute(
        "SELECT count(*) FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner"
        " WHERE n.nspname = ANY(%s) AND r.rolname = %s"
        " AND (SELECT bool_and(pg_has_role(current_user, r.oid, 'MEMBER')) FROM pg_roles r WHERE r.rolname = ANY(%s))",
        (list(SCHEMAS), str(Role.OWNER), [str(role) for role in Role]),
    ).fetchone()
    return row is not None and row[0] == len(SCHEMAS)


@contextmanager
def _owner(address: DatabaseAddress) -> Iterator[Connection]:
    engine = create_engine(
        address.sqlalchemy("psycopg"),
        poolclass=NullPool,
        connect_args={"options": f"-c role={Role.OWNER} -c lock_timeout=5s -c TimeZone=UTC"},
    )
    with engine.connect() as connection:
        yield connection


def _config(connection: Connection | None) -> Config:
    config = Config()
    folder = _PACKAGED if _PACKAGED.exists() else _REPOSITORY
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
