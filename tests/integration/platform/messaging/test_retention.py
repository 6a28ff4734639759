"""Kept messages go after a month, whoever's they are."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from caravan.core.outbox import emit
from caravan.core.principal import ANONYMOUS
from caravan.core.schedules.registry import schedules
from caravan.entry.background import HANDLER_MODULES
from caravan.platform.messaging import retention
from tests.fixtures.background import Background

pytestmark = pytest.mark.asyncio

_KEEP = (
    "INSERT INTO kept_messages (org_id, id, channel, recipient, template, locale, body, variables, idempotency_key,"
    " created_at) SELECT %s, gen_random_uuid(), 'email', %s, 'invite', 'en', 'x', '{}', gen_random_uuid()::text,"
    " now() - make_interval(days => %s) FROM generate_series(1, %s)"
)
_LEFT = "SELECT recipient, count(*) FROM kept_messages GROUP BY recipient ORDER BY recipient"


async def purge(background: Background) -> None:
    async with background.connections.system.write() as session:
        await emit(session, "messages.retention_due", {}, principal=ANONYMOUS)
    await background.settle()


async def test_messages_older_than_a_month_go_for_every_tenant(background: Background) -> None:
    for org in (UUID(int=0), uuid4()):
        background.ask(_KEEP, org, "old@example.com", 31, 1)
        background.ask(_KEEP, org, "young@example.com", 29, 1)
    await purge(background)
    assert background.ask(_LEFT) == [("young@example.com", 2)]


async def test_more_than_one_batch_goes_at_once(
    background: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_BATCH", 3)
    background.ask(_KEEP, uuid4(), "old@example.com", 31, 7)
    await purge(background)
    assert background.ask(_LEFT) == []


async def test_every_worker_does_it_daily() -> None:
    assert retention.__name__ in HANDLER_MODULES
    [found] = [one for one in schedules() if one.event == "messages.retention_due"]
    assert found.every == timedelta(days=1)
