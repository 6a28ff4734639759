"""Originals go after their time whoever's they are, by the same rule that the command follows."""

from datetime import timedelta
from uuid import uuid4

import pytest

from caravan.core.outbox import emit
from caravan.core.principal import ANONYMOUS
from caravan.core.schedules import housekeeping
from caravan.core.schedules.registry import schedules
from caravan.entry.background import HANDLER_MODULES
from caravan.migration.load import retention
from tests.fixtures.background import Background

pytestmark = pytest.mark.asyncio

_KEEP = (
    "INSERT INTO engine.quarantine (org_id, id, migration, data_set, chunk, ordinal, file, byte_offset, reason, field,"
    " detail, sealed, created_at) VALUES (%s, gen_random_uuid(), 'm', 'd', 0, 0, 'f', 0, %s, '', '', 'x',"
    " now() - make_interval(days => %s))"
)
_SEALED = "SELECT reason, sealed IS NOT NULL, purged_at IS NOT NULL FROM engine.quarantine ORDER BY reason"


async def test_a_worker_forgets_old_originals_of_every_tenant(background: Background) -> None:
    background.ask(_KEEP, uuid4(), "old", 91)
    background.ask(_KEEP, uuid4(), "young", 89)
    async with background.connections.system.write() as session:
        await emit(session, "quarantine.retention_due", {}, principal=ANONYMOUS)
    await background.settle()
    assert background.ask(_SEALED) == [("old", False, True), ("young", True, False)]


async def test_it_is_asked_for_daily() -> None:
    assert retention.__name__ in HANDLER_MODULES
    [found] = [one for one in schedules() if one.event == "quarantine.retention_due"]
    assert (found.every, found.name) == (timedelta(hours=24), "quarantine"), housekeeping.__name__
