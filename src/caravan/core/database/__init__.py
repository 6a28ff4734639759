"""PostgreSQL: tables, roles, row-level security, sessions and read models."""

from caravan.core.database.base import Base, OrgRow, Row
from caravan.core.database.connection import DatabaseAddress, Role
from caravan.core.database.sessions import AnySession, Database, ReadSession, WriteSession

__all__ = [
    "AnySession",
    "Base",
    "Database",
    "DatabaseAddress",
    "OrgRow",
    "ReadSession",
    "Role",
    "Row",
    "WriteSession",
]
