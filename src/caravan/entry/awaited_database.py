"""A database that is away when a long-lived process starts is waited for, and said so; one that refuses us is told at once."""

import threading
import time
from collections.abc import Callable
from typing import Final

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError

from caravan.core.database import DatabaseAddress
from caravan.core.processes import Watch

__all__ = ["Preparation", "await_database"]

log = structlog.get_logger(__name__)

_EVERY: Final = 2.0
_TOLD_EVERY: Final = 30.0
_CONNECT: Final = 5
_WILL_PASS: Final = ("starting up", "shutting down", "recovery", "connection slots", "too many")


class Preparation:
    """What has to be done once in the database before a service is whole, as soon as the database answers.

    The service starts meanwhile: gateways carry the traffic by the table on their disk.
    """

    def __init__(self, address: DatabaseAddress, prepare: Callable[[], None]) -> None:
        self._address, self._prepare = address, prepare
        self._told_at = -_TOLD_EVERY
        self.done = False

    @property
    def watch(self) -> Watch:
        """What tries again, for a supervisor; whatever it meets, the traffic goes on."""
        return Watch(_EVERY, self._again)

    def _again(self) -> None:
        try:
            self.attempt()
        except Exception as error:  # noqa: BLE001 - told, and tried again
            log.warning("run.not_prepared", problem=_said(error), again_every_seconds=_EVERY)

    def attempt(self) -> None:
        """Prepare, where that has not been done and the database answers.

        Raises:
            psycopg.OperationalError: the database answers and refuses us: waiting would not help.
        """
        if self.done:
            return
        try:
            _look(self._address)
            self._prepare()
        except (psycopg.OperationalError, DBAPIError, ConnectionError) as error:
            if not _may_pass(error):
                raise
            if time.monotonic() - self._told_at >= _TOLD_EVERY:
                self._told_at = time.monotonic()
                log.warning("run.database_away", problem=_said(error), again_every_seconds=_EVERY)
            return
        if self._told_at >= 0:
            log.info("run.database_there")
        self.done = True


def await_database(address: DatabaseAddress, stop: threading.Event | None = None) -> None:
    """Return when the database answers; raises ``psycopg.OperationalError`` when it refuses us."""
    waiting = stop or threading.Event()
    preparation = Preparation(address, lambda: None)
    preparation.attempt()
    while not preparation.done and not waiting.wait(_EVERY):
        preparation.attempt()


def _look(address: DatabaseAddress) -> None:
    psycopg.connect(address.libpq(None, application="caravan run"), connect_timeout=_CONNECT).close()


def _may_pass(error: Exception) -> bool:
    """Tell whether the server is away, or on its way; not whether it knows neither user nor database."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error.orig, psycopg.OperationalError)
    said = str(error)
    return "FATAL" not in said or any(words in said for words in _WILL_PASS)


def _said(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
