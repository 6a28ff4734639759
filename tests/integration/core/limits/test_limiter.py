"""Windows are shared through Redis in leased blocks; without Redis each process counts alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from caravan.core.embedded.servers import embedded_servers
from caravan.core.limits import Limit, Limiter

pytestmark = pytest.mark.asyncio

LIMIT = Limit("probe", requests=100, seconds=60)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def redis(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Redis]:
    home: Path = tmp_path_factory.mktemp("limits")
    with embedded_servers(home, want_postgres=False, want_valkey=True, die_with_parent=True) as servers:
        assert servers.valkey is not None
        client = Redis.from_url(servers.valkey.redis_url())
        yield client
        await client.aclose()


async def taken(limiter: Limiter, subject: str, times: int, limit: Limit = LIMIT) -> int:
    return sum([(await limiter.take(limit, subject)).allowed for _ in range(times)])


async def test_two_processes_share_one_limit(redis: Redis) -> None:
    clock = Clock()
    first, second = Limiter(redis, clock=clock), Limiter(redis, clock=clock)
    allowed = 0
    for _ in range(80):
        allowed += await taken(first, "shared", 1) + await taken(second, "shared", 1)
    assert allowed == LIMIT.requests


async def test_redis_is_asked_once_per_block(redis: Redis) -> None:
    limiter = Limiter(redis, clock=Clock())
    await taken(limiter, "blocks", 1)
    before = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    await taken(limiter, "blocks", 20)
    after = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert after - before == 20 // LIMIT.block


async def test_a_new_window_starts_afresh(redis: Redis) -> None:
    clock = Clock()
    limiter = Limiter(redis, clock=clock)
    assert await taken(limiter, "window", 120) == 100
    verdict = await limiter.take(LIMIT, "window")
    assert (verdict.allowed, verdict.remaining) == (False, 0)
    clock.now += verdict.reset
    assert (await limiter.take(LIMIT, "window")).allowed


async def test_a_refused_caller_asks_redis_no_more_in_its_window(redis: Redis) -> None:
    limiter = Limiter(redis, clock=Clock())
    await taken(limiter, "refused", 101)
    before = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    await taken(limiter, "refused", 50)
    assert (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"] == before


async def test_without_redis_the_process_counts_for_itself(tmp_path: Path) -> None:
    clock = Clock()
    away = Redis.from_url(f"unix://{tmp_path}/nobody.sock")
    limiter = Limiter(away, clock=clock)
    assert not limiter.degraded
    assert await taken(limiter, "alone", 120) == 100
    assert limiter.degraded
    clock.now += 61
    assert not limiter.degraded
    await away.aclose()


async def test_no_redis_at_all_is_a_limit_per_process() -> None:
    limiter = Limiter(None, clock=Clock())
    assert await taken(limiter, "none", 120) == 100


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caravan.core.limits.limiter._MAX_TRACKED", 10)
    clock = Clock()
    limiter = Limiter(None, clock=clock)
    for number in range(25):
        await limiter.take(LIMIT, f"subject {number}")
    assert len(limiter._windows) <= 10
    clock.now += 60
    for number in range(11):
        await limiter.take(LIMIT, f"later {number}")
    assert len(limiter._windows) <= 11
