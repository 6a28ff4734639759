"""Writes that wait while their unit is being switched: few, for a short time, then sent to the side that has authority."""

from typing import TYPE_CHECKING

from caravan.migration.gateway.limits import Limits

if TYPE_CHECKING:
    from caravan.migration.gateway.flight import Flight

__all__ = ["Holds"]


class Holds:
    """The waiting writes of one process, in the order in which they came; bounded in number and in bytes."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting: dict[Flight, None] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, flight: "Flight") -> bool:
        """Let a write wait, until the deadline at most; False when there is no room."""
        if len(self._waiting) >= self._limits.hold_requests:
            return False
        if self._bytes + flight.pending_bytes > self._limits.hold_bytes:
            return False
        self._bytes += flight.pending_bytes
        self._waiting[flight] = None
        flight.client.touch(self._limits.hold_seconds)
        return True

    def grown(self, flight: "Flight", size: int) -> bool:
        """Count more bytes of a waiting write's body; False when there is no room for them."""
        if flight in self._waiting:
            self._bytes += size
        return self._bytes <= self._limits.hold_bytes

    def leave(self, flight: "Flight") -> None:
        """Forget a write that waits no longer."""
        if flight in self._waiting:
            del self._waiting[flight]
            self._bytes -= flight.pending_bytes

    def all(self) -> list["Flight"]:
        """Return the waiting writes, oldest first."""
        return list(self._waiting)
