"""SIGHUP of `caravan run`: the migration file is read again, and what it says now is what counts, as far as that goes without a restart."""

import signal
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from caravan.core.errors import CaravanError
from caravan.core.processes import Child
from caravan.migration.config import MigrationConfig, read_config

__all__ = ["Reloading"]

log = structlog.get_logger(__name__)

_OF_THE_START: Final = ("listen", "processes")


class Reloading:
    """``check`` raises what is wrong with a file before anything is changed; ``prepare`` registers it and publishes its routes.

    ``gateways`` read the file at SIGHUP themselves, ``conductor`` is started anew: it goes on from what it has saved. The console
    reads the file whenever it changes.
    """

    def __init__(
        self,
        config: MigrationConfig,
        check: Callable[[MigrationConfig], None],
        prepare: Callable[[MigrationConfig], None],
        *,
        gateways: Sequence[Child],
        conductor: Child,
    ) -> None:
        self._config, self._check, self._prepare = config, check, prepare
        self._gateways, self._conductor = tuple(gateways), conductor

    def reload(self) -> None:
        """Take the file as it is now; one that is wrong, or of another migration, changes nothing and is told."""
        try:
            fresh = read_config(self._config.file)
            self._check(fresh)
        except CaravanError as error:
            log.warning("run.file_refused", code=error.code, problem=error.message, kept="the file as it was")
            return
        if fresh.migration != self._config.migration:
            log.warning(
                "run.file_refused", problem="[migration] has changed: another migration needs a restart"
            )
            return
        for key in _OF_THE_START:
            if getattr(fresh.gateway, key) != getattr(self._config.gateway, key):
                log.warning("run.needs_restart", key=f"gateway.{key}")
        try:
            self._prepare(fresh)
        except Exception as error:  # noqa: BLE001 - whatever the database says: the traffic goes on
            log.warning("run.file_not_taken", problem=str(error).strip(), again="send SIGHUP once more")
            return
        self._config = fresh
        for gateway in self._gateways:
            gateway.signal(signal.SIGHUP)
        self._conductor.terminate()
        log.info("run.file_read", file=str(fresh.file), routes=len(fresh.routes), units=len(fresh.units))
