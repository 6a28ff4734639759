"""A connection to PostgreSQL whose values come in the words of the reader, and which may write what a capture needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import psycopg
from psycopg import pq

from caravan.migration.capture.errors import CaptureRefusedError, CaptureStoppedError
from caravan.migration.load.readers import without_password
from caravan.migration.load.readers.postgres import SETTINGS, said

__all__ = ["connect_postgres", "raw_rows", "stopping"]

_REFUSALS: Final = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.InvalidPassword,
    psycopg.errors.InvalidParameterValue,
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.WrongObjectType,
    psycopg.errors.ConfigurationLimitExceeded,
)
"""What only the owner of the server can change: rights, kinds of tables, limits."""


def connect_postgres(url: str) -> psycopg.Connection[Any]:
    """Return a connection that commits each statement.

    Raises:
        CaptureStoppedError: the server cannot be reached.
    """
    address = "postgresql://" + url.partition("://")[2]
    try:
        return psycopg.connect(
            address, options=SETTINGS, application_name="caravan capture", autocommit=True, connect_timeout=10
        )
    except psycopg.Error as error:
        raise CaptureStoppedError(f"{without_password(url)} cannot be reached: {said(error)}") from error


@contextmanager
def stopping(place: str) -> Iterator[None]:
    """Turn what the driver raises into what a user understands."""
    try:
        yield
    except psycopg.Error as error:
        _raise(place, error)


def _raise(place: str, error: psycopg.Error) -> NoReturn:
    if isinstance(error, _REFUSALS):
        raise CaptureRefusedError(f"{place}: {said(error)}") from error
    if isinstance(error, psycopg.errors.LockNotAvailable):
        raise CaptureStoppedError(
            f"{place}: another transaction holds a table for longer than is waited for; try again when it has ended"
        ) from error
    raise CaptureStoppedError(f"{place} cannot be read on: {said(error)}") from error


def raw_rows(
    connection: psycopg.Connection[Any], query: str, parameters: tuple[object, ...] = ()
) -> list[tuple[bytes | None, ...]]:
    """Return the rows as the server's text, which is what the reader's values are made of."""
    cursor = connection.execute(query.encode(), parameters or None)
    result = cursor.pgresult
    if result is None or result.status != pq.ExecStatus.TUPLES_OK:
        return []
    return [
        tuple(result.get_value(row, column) for column in range(result.nfields))
        for row in range(result.ntuples)
    ]
