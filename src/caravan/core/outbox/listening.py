"""The relay's ear: a connection that hears NOTIFY; where there is none, polling does."""

import asyncio

import asyncpg

from caravan.core.database import Database
from caravan.core.outbox.wake import CHANNEL

__all__ = ["Doorbell"]


class Doorbell:
    """Rings when a writer noticed that the relay sleeps, or on what else is told on ``channel``."""

    def __init__(self, database: Database, channel: str = CHANNEL) -> None:
        self._database = database
        self._channel = channel
        self._connection: asyncpg.Connection | None = None
        self._ring = asyncio.Event()

    async def listen(self) -> None:
        """Open the connection unless it is open; raises what asyncpg raises."""
        if self._connection is not None and not self._connection.is_closed():
            return
        settings = {"role": str(self._database.role), "application_name": "caravan relay"}
        self._connection = await asyncpg.connect(
            self._database.address.url, server_settings=settings, timeout=10
        )
        await self._connection.add_listener(self._channel, self._heard)

    async def rung(self, patience: float) -> bool:
        """Wait for a ring; False when there was none within ``patience`` seconds. A lost connection is made again."""
        try:
            async with asyncio.timeout(patience):
                await self._ring.wait()
        except TimeoutError:
            await self.listen()
            return False
        self._ring.clear()
        return True

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _heard(self, *_notification: object) -> None:
        self._ring.set()
