"""A flow of this migration as a cutover sees it, with whether a process stands by for it."""

from datetime import timedelta
from typing import Final

from caravan.core.clock import utc_now
from caravan.migration.sync import FlowParty, FlowSetting, find_flow, open_connection

__all__ = ["CarriedFlow"]

_ALIVE: Final = timedelta(seconds=10)
"""A process that has not beaten for so long is taken for dead."""


class CarriedFlow(FlowParty):
    """Implements ``Flow``."""

    def __init__(self, setting: FlowSetting) -> None:
        super().__init__(setting.database, setting.key, setting.capture)
        self._setting = setting

    def carried(self) -> bool:
        """Tell whether a process carries it, whatever it does with what it reads."""
        connection = open_connection(self._setting.database)
        try:
            flow = find_flow(connection, self._setting.key)
        finally:
            connection.close()
        return flow is not None and flow.state == "running" and utc_now() - flow.heartbeat_at < _ALIVE
