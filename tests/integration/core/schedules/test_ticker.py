"""Each slot of a schedule becomes one event, whoever ticks and however often."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from caravan.core.schedules.registry import Schedule
from caravan.core.schedules.ticker import Ticker
from tests.fixtures.background import Background, until

pytestmark = pytest.mark.asyncio

HOURLY = Schedule("hourly", timedelta(hours=1), "test.noted")
DAILY = Schedule("daily", timedelta(days=1), "test.unheard")
NOON = datetime(2026, 3, 4, 12, 34, 56, tzinfo=UTC)


async def test_a_slot_becomes_one_event_with_five_tickers(background: Background) -> None:
    tickers = [
        Ticker(background.connections.system, clock=lambda: NOON, which=lambda: [HOURLY, DAILY])
        for _ in range(5)
    ]
    assert sum(await asyncio.gather(*(ticker.tick() for ticker in tickers))) == 2
    assert sum(await asyncio.gather(*(ticker.tick() for ticker in tickers))) == 0
    rows = background.ask("SELECT name, payload ->> 'due_at', principal FROM outbox ORDER BY name")
    assert rows == [
        ("test.noted", "2026-03-04T12:00:00+00:00", "service"),
        ("test.unheard", "2026-03-04T00:00:00+00:00", "service"),
    ]
    await background.settle()
    assert len(background.marks()) == 1


async def test_the_next_slot_is_another_event_and_missed_ones_are_not_made_up(background: Background) -> None:
    now = [NOON]
    ticker = Ticker(background.connections.system, clock=lambda: now[0], which=lambda: [HOURLY])
    assert await ticker.tick() == 1
    now[0] += timedelta(hours=7)
    assert await ticker.tick() == 1
    assert background.ask("SELECT count(*) FROM scheduled_runs") == [(2,)]


async def test_a_running_ticker_outlives_cut_connections_and_shows_life(background: Background) -> None:
    quick = Schedule("quick", timedelta(seconds=0.2), "test.noted")
    stop = asyncio.Event()
    task = asyncio.create_task(Ticker(background.connections.system, which=lambda: [quick]).run(stop))
    await until(lambda: background.ask("SELECT 1 FROM scheduled_runs"))
    background.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    background.ask("TRUNCATE scheduled_runs, heartbeats")
    await until(lambda: background.ask("SELECT 1 FROM scheduled_runs"))
    await until(lambda: background.ask("SELECT 1 FROM heartbeats WHERE kind = 'schedules'"))
    stop.set()
    await asyncio.wait_for(task, 30)
