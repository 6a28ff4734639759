"""A value that is asked for again after a moment, or as soon as something is known to have changed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

__all__ = ["Kept"]

T = TypeVar("T")

_AHEAD: Final = 0.4
"""The part of the moment after which it is asked for anew, so that hardly anybody has to wait for the answer."""


@dataclass(frozen=True, slots=True)
class _Asking(Generic[T]):
    began: float
    forgotten: int
    task: "asyncio.Task[T]"


class Kept(Generic[T]):
    """Gives what ``get`` returned for at most ``seconds`` from when it was asked; zero asks every time.

    While it is asked for again and again, it is renewed before its time is over. After `forget` nothing is given that
    was asked for before it.
    """

    def __init__(
        self, get: Callable[[], Awaitable[T]], seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._get = get
        self._seconds = seconds
        self._clock = clock
        self._forgotten = 0
        self._found: tuple[float, T] | None = None
        self._asking: _Asking[T] | None = None

    async def get(self) -> T:
        """Return the value; raises what ``get`` raises."""
        now = self._clock()
        found = self._found
        if found is not None and (age := now - found[0]) < self._seconds:
            if age >= self._seconds * _AHEAD:
                self._asked(now)
            return found[1]
        return await asyncio.shield(self._asked(now))

    def forget(self) -> None:
        """Ask again at the next call."""
        self._forgotten += 1
        self._found = None

    def _asked(self, now: float) -> "asyncio.Task[T]":
        """Return the question that is under way, unless what it brings would be too old; else a new one."""
        asking = self._asking
        if (
            asking is None
            or asking.task.done()
            or asking.forgotten != self._forgotten
            or now - asking.began >= self._seconds
        ):
            task = asyncio.create_task(self._answer(now, self._forgotten))
            task.add_done_callback(_heard)
            asking = self._asking = _Asking(now, self._forgotten, task)
        return asking.task

    async def _answer(self, began: float, forgotten: int) -> T:
        value = await self._get()
        if forgotten == self._forgotten and (self._found is None or self._found[0] < began):
            self._found = (began, value)
        return value


def _heard(task: "asyncio.Task[T]") -> None:
    """Look at an error that nobody waited for; whoever asks next meets it."""
    if not task.cancelled():
        task.exception()
