"""What is swept, and what stays."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from caravan.core.outbox import Policy, emit
from caravan.core.outbox.events import EventRef
from caravan.core.outbox.handling import Outcome, handle
from caravan.core.principal import Principal, PrincipalKind
from caravan.core.schedules import housekeeping
from caravan.core.schedules.registry import schedules
from tests.fixtures.background import Background

pytestmark = pytest.mark.asyncio

ORG = UUID("11111111-1111-7111-8111-111111111111")
USER = Principal(PrincipalKind.USER, id=uuid4(), org=ORG)


async def run(background: Background, name: str) -> None:
    nobody = Principal(PrincipalKind.SERVICE)
    async with background.connections.system.write() as session:
        event = await emit(session, name, {}, principal=nobody)
    assert await handle(background.connections, EventRef(UUID(int=0), event, name), Policy()) is Outcome.DONE


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "_BATCH", 2)


async def test_idempotency_keys_are_kept_for_the_hours_of_the_setting(background: Background) -> None:
    background.ask("TRUNCATE idempotency_keys")
    background.ask(
        "INSERT INTO idempotency_keys (principal, method, path, key, fingerprint, status, headers, secret, created_at)"
        " SELECT 'user', 'POST', '/', 'key ' || hours, '', 200, '{}', false, now() - make_interval(hours => hours)"
        " FROM unnest(ARRAY[1, 23, 25, 26, 27, 28, 29]) AS hours"
    )
    await run(background, "idempotency.purge_due")
    assert background.ask("SELECT key FROM idempotency_keys ORDER BY key") == [("key 1",), ("key 23",)]


async def test_events_done_a_week_ago_go_with_their_inbox_and_open_ones_stay(background: Background) -> None:
    for _ in range(6):
        async with background.connections.app.write(ORG) as session:
            await emit(session, "test.noted", {"mark": "old"}, principal=USER)
    await background.settle()
    background.ask("UPDATE outbox SET done_at = now() - interval '8 days'")
    async with background.connections.app.write(ORG) as session:
        young = await emit(session, "test.noted", {"mark": "young"}, principal=USER)
    background.ask("UPDATE outbox SET created_at = now() - interval '30 days' WHERE id = %s", young)
    await run(background, "outbox.purge_due")
    assert background.ask("SELECT id FROM outbox WHERE name = 'test.noted'") == [(young,)]
    assert background.ask("SELECT handler FROM inbox") == [("purge finished events",)]


async def test_the_sweeps_are_scheduled() -> None:
    assert {(entry.event, entry.every) for entry in schedules()} >= {
        ("idempotency.purge_due", timedelta(minutes=30)),
        ("outbox.purge_due", timedelta(hours=1)),
        ("quarantine.retention_due", timedelta(hours=24)),
    }
