"""From the caller's transaction to an effect that happens once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from caravan.core.database import WriteSession
from caravan.core.outbox import PayloadError, emit, handler, handling
from caravan.core.outbox.events import Event
from caravan.core.outbox.handling import Outcome
from caravan.core.principal import ANONYMOUS, Principal, PrincipalKind
from tests.fixtures.background import Background

pytestmark = pytest.mark.asyncio

ORG = UUID("11111111-1111-7111-8111-111111111111")
USER = Principal(PrincipalKind.USER, id=uuid4(), org=ORG, client=uuid4(), project=uuid4())


async def write(
    background: Background,
    name: str,
    payload: dict[str, object] | None = None,
    *,
    principal: Principal = USER,
    key: str | None = None,
) -> UUID:
    async with background.connections.app.write(principal.org) as session:
        return await emit(session, name, payload or {"mark": "x"}, principal=principal, key=key)


async def test_an_event_has_one_effect_though_it_is_delivered_three_times_at_once(
    background: Background,
) -> None:
    event = await write(background, "test.noted")
    await background.relay.relay_batch()
    outcomes = await background.deliver(times=3)
    assert background.marks() == ["x"]
    assert background.state(event) == "done"
    assert sorted(outcomes) == [Outcome.DONE, Outcome.SETTLED, Outcome.SETTLED]


async def test_what_rolls_back_is_never_relayed(background: Background) -> None:
    async def fail() -> None:
        async with background.connections.app.write(ORG) as session:
            await emit(session, "test.noted", {}, principal=USER)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await background.relay.relay_batch() == 0


async def test_an_event_carries_who_caused_it_and_where(background: Background) -> None:
    with structlog.contextvars.bound_contextvars(request_id="req-1", traceparent="00-aa-bb-01"):
        event = await write(background, "test.noted")
    await background.settle()
    row = background.ask(
        "SELECT org_id, client_id, project_id, principal, request_id, trace FROM outbox WHERE id = %s", event
    )[0]
    assert row == (ORG, USER.client, USER.project, USER.label, "req-1", "00-aa-bb-01")
    assert background.ask("SELECT request, role FROM effects") == [("req-1", "caravan_app")]


async def test_an_event_caused_by_an_event_keeps_the_request_and_the_tenancy(background: Background) -> None:
    with structlog.contextvars.bound_contextvars(request_id="req-2"):
        await write(background, "test.echo")
    await background.settle()
    assert background.marks() == ["echo"]
    rows = background.ask("SELECT DISTINCT org_id, client_id, project_id, request_id FROM outbox")
    assert rows == [(ORG, USER.client, USER.project, "req-2")]


async def test_dates_decimals_and_ids_become_texts(background: Background) -> None:
    moment = datetime(2026, 2, 3, 4, 5, tzinfo=UTC)
    event = await write(background, "test.none", {"a": Decimal("1.10"), "b": moment, "c": ORG})
    payload = background.ask("SELECT payload FROM outbox WHERE id = %s", event)[0][0]
    assert payload == {"a": "1.10", "b": "2026-02-03T04:05:00+00:00", "c": str(ORG)}


async def test_a_payload_that_is_not_json_is_refused_by_name(background: Background) -> None:
    with pytest.raises(PayloadError, match=r"test\.noted"):
        await write(background, "test.noted", {"a": object()})


async def test_an_event_of_no_tenant_is_handled_and_seen_by_no_tenant(background: Background) -> None:
    event = await write(background, "test.noted", principal=ANONYMOUS)
    await background.settle()
    assert background.ask("SELECT org, mark FROM effects") == [(None, "x")]
    assert background.state(event) == "done"


async def test_an_event_for_another_tenant_is_refused_by_the_database(background: Background) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with background.connections.app.write(uuid4()) as session:
            await emit(session, "test.noted", {}, principal=USER)


async def test_an_event_nobody_handles_is_done(background: Background) -> None:
    event = await write(background, "test.unheard")
    await background.settle()
    assert background.state(event) == "done"


async def test_an_event_is_done_when_each_of_its_handlers_is_and_none_runs_twice(
    background: Background, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.touch()
    event = await write(background, "test.twice", {"mark": "m", "break": str(broken)})
    await background.relay.relay_batch()
    assert await background.deliver() == [Outcome.FAILED]
    assert background.state(event) == "new"
    assert background.ask("SELECT handler, role FROM effects") == [("first", "caravan_app")]
    broken.unlink()
    await asyncio.sleep(0.06)
    await background.settle()
    assert background.state(event) == "done"
    assert background.ask("SELECT handler, role FROM effects ORDER BY n") == [
        ("first", "caravan_app"),
        ("second", "caravan_system"),
    ]


async def test_a_handler_that_takes_too_long_is_ended_and_tried_again(background: Background) -> None:
    background.policy = replace(background.policy, handler_timeout=0.2)
    event = await write(background, "test.slow", {"seconds": 60})
    await background.relay.relay_batch()
    assert await background.deliver() == [Outcome.FAILED]
    assert background.marks() == []
    assert background.ask("SELECT state, failures FROM outbox WHERE id = %s", event) == [("new", 1)]


async def test_an_event_in_hand_elsewhere_is_left_to_the_one_who_has_it(background: Background) -> None:
    event = await write(background, "test.noted")
    await background.relay.relay_batch()
    async with background.connections.system.engine.connect() as other:
        await other.exec_driver_sql(f"SELECT 1 FROM outbox WHERE id = '{event}' FOR UPDATE")  # noqa: S608 - our id
        app = background.connections.app
        async with app.engine.connect() as connection:
            await connection.exec_driver_sql("SET lock_timeout = 100")
            await connection.commit()
        assert await background.deliver() == [Outcome.BUSY]
    assert background.state(event) == "relayed"


async def test_another_tenant_sees_neither_events_nor_inbox(background: Background) -> None:
    await write(background, "test.noted")
    await background.settle()
    for table in ("outbox", "inbox"):
        for org, count in ((ORG, 1), (uuid4(), 0), (None, 0)):
            async with background.connections.app.read(org) as session:
                connection = await session.connection()
                found = await connection.exec_driver_sql(f"SELECT count(*) FROM {table}")  # noqa: S608 - our names
                assert found.scalar_one() == count, (table, org)


async def test_what_was_said_to_happen_cannot_be_rewritten(background: Background) -> None:
    await write(background, "test.noted")
    async with background.connections.system.engine.connect() as connection:
        with pytest.raises(ProgrammingError, match="permission denied"):
            await connection.exec_driver_sql("UPDATE outbox SET payload = '{}'")


@handler("test.durability", name="durability")
async def durability(session: WriteSession, event: Event) -> None:
    event.payload["seen"].append(await session.scalar(text("SHOW synchronous_commit")))


async def test_a_commit_of_a_worker_does_not_wait_for_the_disk_and_that_of_a_writer_does(
    background: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What such a commit loses in a crash of the server, it loses whole: the event is relayed again."""
    [(name,)] = background.ask("SELECT current_database()")
    background.ask(f'ALTER DATABASE "{name}" SET synchronous_commit = on')  # the tests' server does without
    seen: list[str] = []
    made = handling._event
    monkeypatch.setattr(handling, "_event", lambda row: replace(made(row), payload={"seen": seen}))
    event = await write(background, "test.durability")
    async with background.connections.app.write(ORG) as session:
        assert await session.scalar(text("SHOW synchronous_commit")) == "on"
    await background.settle()
    assert (background.state(event), seen) == ("done", ["off"])
    async with background.connections.app.write(ORG) as session:
        assert await session.scalar(text("SHOW synchronous_commit")) == "on"
