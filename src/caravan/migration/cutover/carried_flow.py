"""A flow of this migration as a cutover sees it, with whether a process stands by for it."""

from datetime import timedelta
from typing import Final

from caravan.core.clock import utc_now
from caravan.migration.capture.changes import Position
from caravan.migration.sync import FlowParty, FlowSetting, hold_at

__all__ = ["CarriedFlow"]

_BEHIND_ALL: Final = Position((1 << 63) - 1)
_ALIVE: Final = timedelta(seconds=10)
"""A process that has not beaten for so long is taken for dead."""


class CarriedFlow(FlowParty):
    """Implements ``Flow``."""

    def __init__(self, setting: FlowSetting) -> None:
        super().__init__(setting.database, setting.key, setting.capture)

    def attend(self) -> None:
        """Give it a stop position that lies behind everything: a flow with one looks many times a second at what is wanted."""
        with self._connected() as connection:
            hold_at(connection, self._key, _BEHIND_ALL)

    def carried(self) -> bool:
        """Tell whether a process carries it, whatever it does with what it reads."""
        flow = self._flow()
        return flow is not None and flow.state == "running" and utc_now() - flow.heartbeat_at < _ALIVE
