"""A load steps back while its source is busy: figures that the migration file bounds are measured between chunks."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

import psycopg

from caravan.core.errors import CaravanError
from caravan.migration.load.readers import SourceUnreadable, without_password

__all__ = ["Figure", "Health", "Measure", "measure_of"]

Figure: TypeAlias = Literal["threads_running", "replication_lag"]
"""Statements at work in the source now; seconds that its replicas, or it as a replica, are behind."""

Measure: TypeAlias = Callable[[Figure], float]
_EVERY: Final = 1.0
_MARIADB: Final[Mapping[Figure, str]] = {
    "threads_running": "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'THREADS_RUNNING'",
    "replication_lag": "SHOW SLAVE STATUS",
}
_POSTGRES: Final[Mapping[Figure, str]] = {
    "threads_running": "SELECT count(*) FROM pg_stat_activity"
    " WHERE state = 'active' AND backend_type = 'client backend' AND application_name NOT LIKE 'caravan%'",
    "replication_lag": "SELECT CASE WHEN pg_is_in_recovery() THEN extract(epoch FROM now() - pg_last_xact_replay_timestamp())"
    " ELSE (SELECT max(extract(epoch FROM replay_lag)) FROM pg_stat_replication) END",
}
_LAG_COLUMN: Final = b"Seconds_Behind_Master"


class Health:
    """``limits`` bound the figures; ``pause`` waits so many seconds, or raises where the load is asked to stop."""

    def __init__(
        self,
        source: str,
        limits: Mapping[Figure, float],
        measure: Measure,
        *,
        pause: Callable[[float], None],
        note: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._limits = limits
        self._measure = measure
        self._pause = pause
        self._note = note
        self._clock = clock
        self._next = 0.0

    def wait(self) -> None:
        """Return when no figure is above its limit; measured once a second at most."""
        if self._clock() < self._next:
            return
        told = ""
        while (reason := self._reason()) is not None:
            if reason[0] != told:
                told = reason[0]
                self._note(f"waiting: {told} of {self._source} is {reason[1]}")
            self._pause(_EVERY)
        if told:
            self._note(f"going on: {self._source} is well again")
        self._next = self._clock() + _EVERY

    def _reason(self) -> tuple[str, str] | None:
        for figure, limit in self._limits.items():
            try:
                found = self._measure(figure)
            except CaravanError as error:  # a source that cannot answer is not asked for more
                return figure, f"not told: {error.message}"
            if found > limit:
                return figure, f"{found:g}, above {limit:g}"
        return None


def measure_of(url: str) -> Measure:
    """Return what measures a live source, each time through a connection of its own, so that no snapshot is held for it.

    Raises:
        SourceUnreadable: nothing is measured of this kind of source.
    """
    scheme = urlsplit(url).scheme
    if scheme in {"mysql", "mariadb"}:
        return lambda figure: _of_mariadb(url, figure)
    if scheme in {"postgres", "postgresql"}:
        return lambda figure: _of_postgres(url, figure)
    raise SourceUnreadable(
        f"{without_password(url)}: pause_above is of MariaDB, MySQL and PostgreSQL; take it away"
    )


def _of_postgres(url: str, figure: Figure) -> float:
    address = "postgresql://" + url.partition("://")[2]
    try:
        with psycopg.connect(
            address, application_name="caravan health", autocommit=True, connect_timeout=10
        ) as connection:
            row: Any = connection.execute(_POSTGRES[figure].encode()).fetchone()
    except psycopg.Error as error:
        raise SourceUnreadable(f"{without_password(url)} cannot be measured: {error}") from error
    return float(row[0] or 0)


def _of_mariadb(url: str, figure: Figure) -> float:
    from caravan.migration.load.readers.mariadb import connected, driver_module, said  # noqa: PLC0415 - an extra

    driver = driver_module()
    try:
        connection = connected(url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(_MARIADB[figure])
                row = cursor.fetchone()
                names = [str(column[0]) for column in cursor.description or ()]
        finally:
            connection.close()
    except driver.Error as error:
        raise SourceUnreadable(f"{without_password(url)} cannot be measured: {said(error)}") from error
    if figure == "threads_running":
        return float(row[0]) - 1 if row else 0.0  # one is the statement that asks
    if row is None:
        return 0.0  # it follows nobody
    lag = row[names.index(_LAG_COLUMN.decode())]
    return float("inf") if lag is None else float(lag)
