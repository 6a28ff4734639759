"""TRUNCATE and DROP in MariaDB and MySQL fire no trigger: the right to them is taken away, and given back.

What has to be given back is written into the database (``caravan_fences``) before anything is taken, so that nobody loses a right to
a crash. A grant on all databases is left: taking it would take it everywhere.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from caravan.migration.cutover.fences.mariadb_session import NO_RIGHT, MariadbSession, quoted
from caravan.migration.cutover.store_errors import store_errors

__all__ = ["give_back", "given_back", "still_may_drop", "take_away"]

_ON_DATABASE: Final = """
SELECT GRANTEE, IS_GRANTABLE FROM information_schema.SCHEMA_PRIVILEGES
WHERE TABLE_SCHEMA = DATABASE() AND PRIVILEGE_TYPE = 'DROP'
"""
_ON_TABLES: Final = """
SELECT GRANTEE, IS_GRANTABLE, TABLE_NAME FROM information_schema.TABLE_PRIVILEGES
WHERE TABLE_SCHEMA = DATABASE() AND PRIVILEGE_TYPE = 'DROP'
"""
_EVERYWHERE: Final = "SELECT GRANTEE FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'DROP'"
_OURSELVES: Final = "SELECT CURRENT_USER()"
_THERE: Final = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'caravan_fences'"
_MAKE: Final = """
CREATE TABLE IF NOT EXISTS caravan_fences (transition CHAR(32) NOT NULL, statement VARCHAR(500) NOT NULL,
    PRIMARY KEY (transition, statement)) CHARACTER SET utf8mb4
"""
_KEEP: Final = "INSERT IGNORE INTO caravan_fences VALUES (%s, %s)"
_FORGET: Final = "DELETE FROM caravan_fences WHERE transition = %s AND statement = %s"
_KEPT: Final = "SELECT statement FROM caravan_fences WHERE transition = %s"


def take_away(session: MariadbSession, transition: UUID, tables: Sequence[str]) -> None:
    """Revoke DROP from everybody who has it on this database or on one of these tables; what may not be revoked stays."""
    taken = _grants(session, tables)
    if not taken:
        return
    try:
        session.rows(_MAKE)
        for revoke, grant in taken:
            session.rows(_KEEP, (transition.hex, grant))
            session.rows(revoke)
    except store_errors() as error:
        if error.args[0] not in NO_RIGHT:
            raise


def give_back(session: MariadbSession, transition: UUID) -> None:
    """Grant what this transition's fence has revoked."""
    for statement in given_back(session, transition):
        session.rows(statement)
        session.rows(_FORGET, (transition.hex, statement))


def given_back(session: MariadbSession, transition: UUID) -> list[str]:
    """Return the statements that give back what is taken."""
    if not session.rows(_THERE):
        return []
    rows = session.rows(_KEPT, (transition.hex,))
    return [str(row[0]) for row in rows]


def still_may_drop(session: MariadbSession, tables: Sequence[str]) -> list[str]:
    """Return who may still TRUNCATE and DROP, ourselves apart."""
    own = _own(session)
    everywhere = {str(row[0]) for row in session.rows(_EVERYWHERE)} - {own}
    return sorted(everywhere | {revoke.rpartition(" FROM ")[2] for revoke, _ in _grants(session, tables)})


def _grants(session: MariadbSession, tables: Sequence[str]) -> list[tuple[str, str]]:
    """Return what revokes each grant, and what gives it back."""
    own = _own(session)
    found = [(str(grantee), str(option), "*") for grantee, option in session.rows(_ON_DATABASE)]
    found += [
        (str(grantee), str(option), quoted(str(table)))
        for grantee, option, table in session.rows(_ON_TABLES)
        if table in tables
    ]
    database = quoted(str(session.rows("SELECT DATABASE()")[0][0]))
    return [
        (
            f"REVOKE DROP ON {database}.{on} FROM {grantee}",
            f"GRANT DROP ON {database}.{on} TO {grantee}{' WITH GRANT OPTION' if option == 'YES' else ''}",
        )
        for grantee, option, on in found
        if grantee != own
    ]


def _own(session: MariadbSession) -> str:
    user, _, host = str(session.rows(_OURSELVES)[0][0]).rpartition("@")
    return f"'{user}'@'{host}'"
