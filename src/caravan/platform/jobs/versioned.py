"""A value kept until its version changes, never older than a write that had finished before it was asked for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

__all__ = ["Versioned"]

T = TypeVar("T")


class Versioned(Generic[T]):
    """``version`` asks the database which version holds now, ``build`` makes the value anew.

    Each call of `get` waits for a check that *started* after it came; those that come while one check is under way
    share the next one. So there are never more than two, however many ask.
    """

    def __init__(self, version: Callable[[], Awaitable[int]], build: Callable[[], Awaitable[T]]) -> None:
        self._version = version
        self._build = build
        self._kept: tuple[int, T] | None = None
        self._running: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """Return the value; raises what ``version`` and ``build`` raise."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
        return await asyncio.shield(self._next)

    async def _after(self, before: "asyncio.Task[T] | None") -> T:
        if before is not None:
            await asyncio.wait({before})
        self._running, self._next = self._next, None
        return await self._check()

    async def _check(self) -> T:
        now = await self._version()  # before building: what is built is at least as new
        if self._kept is None or self._kept[0] != now:
            self._kept = (now, await self._build())
        return self._kept[1]
