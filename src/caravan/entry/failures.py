"""What goes wrong outside our own code, in the user's words."""

import errno
import re
import sys
from typing import Final

from caravan.core.errors import CaravanError

__all__ = [
    "DatabaseReadOnlyError",
    "DatabaseUnreachableError",
    "DiskFullError",
    "SchemaMissingError",
    "in_our_words",
]

_MISSING: Final = re.compile(r'(role "caravan_\w+"|relation "[\w.]+"|schema "\w+") does not exist')
_READ_ONLY: Final = "in a read-only transaction"


class DiskFullError(CaravanError):
    code = "disk_full"
    status = 507
    title = "The disk is full"
    fix = "Free some space on the disk that the message names, then start again: what was committed is whole."


class DatabaseUnreachableError(CaravanError):
    code = "database_unreachable"
    status = 503
    title = "The database does not answer"
    fix = "Check DATABASE_URL and that the server runs and accepts this user; `caravan doctor` looks at it."


class DatabaseReadOnlyError(CaravanError):
    code = "database_read_only"
    status = 503
    title = "The database takes no writes"
    fix = (
        "Give DATABASE_URL the primary server, not a standby, and see that `default_transaction_read_only` is off for this"
        " database and user. Nothing was written."
    )


class SchemaMissingError(CaravanError):
    code = "schema_missing"
    status = 503
    title = "The database has no tables of Caravan, or old ones"
    fix = "Run `caravan db migrate` first; `caravan up` does it by itself."


def in_our_words(error: BaseException) -> CaravanError | None:
    """Return the error a user should read for this one; None when it is a fault of ours."""
    if isinstance(error, CaravanError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(f"No space left on the disk: {error.filename or error}.")
    if isinstance(error, ConnectionError):
        return DatabaseUnreachableError(f"The database does not answer: {_first_line(error)}.")
    return _of_database(error)


def _of_database(error: BaseException) -> CaravanError | None:
    """Look at the drivers only when somebody imported them."""
    psycopg, sqlalchemy = sys.modules.get("psycopg"), sys.modules.get("sqlalchemy.exc")
    if sqlalchemy is not None and isinstance(error, sqlalchemy.DBAPIError) and error.orig is not None:
        return _by_words(error.orig) or _of_database(error.orig)
    if psycopg is None or not isinstance(error, psycopg.Error):
        return None
    if isinstance(error, psycopg.errors.DiskFull):
        return DiskFullError(f"The database found no space left on its disk: {_first_line(error)}.")
    if isinstance(error, psycopg.OperationalError):
        return _by_words(error) or DatabaseUnreachableError(
            f"The database does not answer: {_first_line(error)}."
        )
    return _by_words(error)


def _by_words(error: BaseException) -> CaravanError | None:
    """A role or a table that is not there, a server that takes no writes, whichever driver says it."""
    if _READ_ONLY in str(error):
        return DatabaseReadOnlyError(f"The database takes no writes: {_first_line(error)}.")
    missing = _MISSING.search(str(error))
    return SchemaMissingError(f"The database is not prepared: {missing[0]}.") if missing else None


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
