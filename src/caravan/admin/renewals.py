"""One renewal per refresh token, however many tabs ask at once: a token used twice would end the session."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Final

from caravan.admin.accounts import Tokens

__all__ = ["Renewals"]

_REMEMBERED_SECONDS: Final = 30.0
"""How long a tab that was slower still gets the tokens of the renewal it missed."""


class Renewals:
    """Within one process; between processes, identity gives both the same successor for a moment.

    The renewal goes on when the tab that began it is closed.
    """

    def __init__(self, renew: Callable[[str], Awaitable[Tokens]]) -> None:
        self._renew = renew
        self._running: dict[bytes, tuple[float, asyncio.Task[Tokens]]] = {}

    async def tokens_after(self, refresh: str) -> Tokens:
        """Return the tokens that follow ``refresh``; raises what the renewal raised, to every tab alike."""
        self._forget_old()
        key = hashlib.sha256(refresh.encode()).digest()
        found = self._running.get(key)
        if found is None:
            found = (time.monotonic(), asyncio.create_task(self._once(refresh)))
            self._running[key] = found
        return await asyncio.shield(found[1])

    async def _once(self, refresh: str) -> Tokens:
        return await self._renew(refresh)

    def _forget_old(self) -> None:
        oldest = time.monotonic() - _REMEMBERED_SECONDS
        for key, (begun, task) in list(self._running.items()):
            if begun < oldest and task.done():
                task.cancelled() or task.exception()
                del self._running[key]
