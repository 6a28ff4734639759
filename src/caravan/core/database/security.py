"""Roles, grants and row-level security, as the statements that make them."""

from collections.abc import Iterator
from typing import Final

from caravan.core.database.connection import Role

__all__ = ["TENANT", "bulk_load_statement", "grant_statements", "role_statements", "row_security_statements"]

TENANT: Final = "(SELECT nullif(current_setting('caravan.org', true), '')::uuid)"
"""The tenant of the transaction; unset reads as NULL, and NULL equals nothing. The sub-select runs once per statement."""


def role_statements(user: str | None = None) -> Iterator[str]:
    """Yield what makes the three roles; none can log in, ``user`` (the connecting one) takes them by SET ROLE."""
    taker = "current_user" if user is None else "'" + user.replace("'", "''") + "'"
    for role in Role:
        yield (
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE; "
            f"EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
        yield (
            f"DO $$ BEGIN IF NOT pg_has_role({taker}, '{role}', 'MEMBER') "
            f"THEN EXECUTE format('GRANT {role} TO %I', {taker}); END IF; END $$"
        )


def grant_statements(schema: str) -> Iterator[str]:
    """Yield what lets the service and the system use a schema of the owner's, present and future tables alike."""
    roles = f"{Role.APP}, {Role.SYSTEM}"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {roles}"
    for objects, rights in (
        ("TABLES", "SELECT, INSERT, UPDATE, DELETE"),
        ("SEQUENCES", "USAGE, SELECT"),
        ("FUNCTIONS", "EXECUTE"),
    ):
        yield f"GRANT {rights} ON ALL {objects} IN SCHEMA {schema} TO {roles}"
        yield (
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {Role.OWNER} IN SCHEMA {schema} GRANT {rights} ON {objects} TO {roles}"
        )


def row_security_statements(table: str, *, column: str = "org_id") -> Iterator[str]:
    """Yield what isolates one table: the service sees its tenant, the system all, the owner nothing by accident."""
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    yield f"CREATE POLICY tenant ON {table} TO {Role.APP} USING ({column} = {TENANT}) WITH CHECK ({column} = {TENANT})"
    yield f"CREATE POLICY everything ON {table} TO {Role.SYSTEM} USING (true) WITH CHECK (true)"


def bulk_load_statement() -> str:
    """Return what lets the loader insert without a look-up per foreign key, where the connecting user may grant that.

    It has looked each reference up itself, and counts orphans afterwards.
    """
    return (
        f"DO $$ BEGIN GRANT SET ON PARAMETER session_replication_role TO {Role.SYSTEM}; "
        f"EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"
    )
