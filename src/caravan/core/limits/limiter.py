"""A limiter that asks Redis once per block of requests, and counts alone while Redis is away."""

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from caravan.core.errors import CaravanError

__all__ = ["Limit", "Limiter", "RateLimitedError", "Verdict"]

log = structlog.get_logger(__name__)

_LEASE: Final = """
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
local free = tonumber(ARGV[1]) - used
local take = math.min(tonumber(ARGV[2]), free)
if take <= 0 then return {0, 0} end
redis.call('INCRBY', KEYS[1], take)
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {take, free - take}
"""
_MAX_TRACKED: Final = 50_000
_RETRY_AFTER_FAILURE: Final = 1.0


class RateLimitedError(CaravanError):
    code = "rate_limited"
    status = 429
    title = "Too many requests"
    fix = "Wait the seconds that Retry-After names; spread the requests, or ask for a higher limit."

    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.details.get("retry_after", 1))}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``requests`` in each window of ``seconds``; ``name`` goes into the headers."""

    name: str
    requests: int
    seconds: int

    @property
    def block(self) -> int:
        """How many requests a process leases at a time: 2 % of the limit."""
        return max(1, self.requests // 50)


@dataclass(slots=True)
class Verdict:
    """What one request was told. ``remaining`` is exact to a block per process; ``reset`` in seconds."""

    allowed: bool
    remaining: int
    reset: int


@dataclass(slots=True)
class _Window:
    number: int
    leased: int
    shared: int
    spent: bool


class Limiter:
    """One per process. Without Redis every process counts for itself: the limit holds per process."""

    def __init__(self, redis: Redis | None, *, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}
        self._away_until = 0.0
        self._lease = redis.register_script(_LEASE) if redis is not None else None

    @property
    def degraded(self) -> bool:
        """Tell whether Redis was away when it was last asked."""
        return self._clock() < self._away_until

    async def take(self, limit: Limit, subject: str) -> Verdict:
        """Count one request of ``subject``; the answer says whether it is within the limit."""
        now = self._clock()
        number, elapsed = divmod(now, limit.seconds)
        window = self._windows.get((limit.name, subject))
        if window is None or window.number != number:
            window = self._open(limit, subject, int(number))
        if window.leased == 0 and not window.spent:
            await self._refill(limit, subject, window, now)
        reset = math.ceil(limit.seconds - elapsed)
        if window.leased == 0:
            return Verdict(allowed=False, remaining=0, reset=reset)
        window.leased -= 1
        return Verdict(allowed=True, remaining=window.leased + window.shared, reset=reset)

    def _open(self, limit: Limit, subject: str, number: int) -> _Window:
        if len(self._windows) >= _MAX_TRACKED:
            self._windows = {key: old for key, old in self._windows.items() if old.number == number}
            if len(self._windows) >= _MAX_TRACKED:
                self._windows.clear()
        window = self._windows[(limit.name, subject)] = _Window(number, leased=0, shared=0, spent=False)
        return window

    async def _refill(self, limit: Limit, subject: str, window: _Window, now: float) -> None:
        if self._lease is None or now < self._away_until:
            window.leased, window.spent = limit.requests, True
            return
        key = f"caravan:limit:{limit.name}:{subject}:{window.number}"
        try:
            answer = cast(
                "Awaitable[list[int]]", self._lease([key], [limit.requests, limit.block, limit.seconds + 1])
            )
            taken, window.shared = await answer
        except (RedisError, OSError) as error:
            log.warning("limits.redis_away", error=str(error))
            self._away_until = now + _RETRY_AFTER_FAILURE
            window.leased, window.spent = limit.requests, True
            return
        window.leased += taken
        window.spent = taken == 0
