"""A signed request is carried out, looked at and taken back; one whose signature does not hold never begins."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import uuid4

import asyncpg
import httpx2
import psycopg
import pytest
import pytest_asyncio
import structlog
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.core.database.dry_run_probe import DryRunProbeError, probe_off, probe_on, probed_tables
from caravan.core.http import AppState, Read, SystemWrite, Write, api_router, guard, public
from caravan.core.http.application import with_edge
from caravan.core.http.dry_runs import DryRuns
from caravan.core.http.edge import EdgeParts
from caravan.core.limits import Limiter
from caravan.core.outbox import emit
from caravan.core.principal import Principal
from caravan.core.telemetry.logs import AccessLog
from caravan.entry.dry_runs import SignatureVerifier
from caravan.migration.exchange import Answer, Body, Exchange, Request
from caravan.migration.shadow import DryRunIgnoredError, DryRunKey, ask_dry_run, probe_dry_runs, signed_header
from caravan.migration.shadow.dry_run import read_dry_run
from tests.fixtures.applications import RunningApplication, caller, running_application
from tests.fixtures.databases import as_administrator
from tests.fixtures.dry_runs import KEY, RESULT, all_rows, ask_dry, signed

pytestmark = pytest.mark.asyncio

router = api_router("boxes", prefix="/api/v1/boxes")
WHO = Annotated[Principal, guard("admin")]


class Box(BaseModel):
    name: str
    price: Decimal = Decimal("12.50")


@router.post("", operation_id="createBox", status_code=201)
async def create(box: Box, session: Write, who: WHO) -> dict[str, str]:
    row = await session.scalar(
        text("INSERT INTO boxes (name, price) VALUES (:name, :price) RETURNING id"),
        {"name": box.name, "price": box.price},
    )
    await session.execute(text("SELECT pg_notify('boxes', 'one more')"))
    await emit(session, "boxes.created", {"name": box.name}, principal=who, key="box")
    return {"id": str(row)}


@router.post("/system", operation_id="systemCreates", dependencies=[public()])
async def system_creates(session: SystemWrite) -> dict[str, str]:
    await session.execute(text("INSERT INTO boxes (name) VALUES ('system')"))
    return {"role": str(await session.scalar(text("SELECT current_user::text")))}


@router.put("/{name}", operation_id="renameBox", dependencies=[public()])
async def rename(name: str, session: Write) -> None:
    await session.execute(text("UPDATE boxes SET price = 1 WHERE name = :name"), {"name": name})
    await session.execute(text("UPDATE boxes SET price = 7.00 WHERE name = :name"), {"name": name})


@router.delete("/{name}", operation_id="deleteBox", dependencies=[public()])
async def delete(name: str, session: Write) -> dict[str, str]:
    await session.execute(text("DELETE FROM boxes WHERE name = :name"), {"name": name})
    return {}


@router.post("/late", operation_id="failsAtCommit", dependencies=[public()])
async def fails_at_commit(session: Write) -> dict[str, str]:
    await session.execute(text("INSERT INTO labels (box) VALUES (4711)"))
    return {"said": "done"}


@router.post("/stubborn", operation_id="takesNoForAnAnswer", dependencies=[public()])
async def takes_no_for_an_answer(session: Write) -> dict[str, str]:
    try:
        async with session.begin_nested():
            await session.execute(text("SELECT FROM boxes WHERE name = 'kept' FOR UPDATE"))
    except DBAPIError:
        return {"said": "another time"}
    return {"said": "locked"}


@router.post("/twice", operation_id="writesTwice", dependencies=[public()])
async def writes_twice() -> dict[str, str]:
    for _ in range(2):
        async with state.database.write() as session:
            await session.execute(text("INSERT INTO boxes (name) VALUES ('twice')"))
    return {}


@router.post("/looks", operation_id="looksAfterwards", dependencies=[public()])
async def looks_afterwards() -> dict[str, int]:
    async with state.database.write() as session:
        await session.execute(text("INSERT INTO boxes (name) VALUES ('looked for')"))
    return {"boxes": int(await state.database.fetch_value("SELECT count(*) FROM boxes"))}


@router.post("/afterwards", operation_id="writesAfterwards", dependencies=[public()])
async def writes_afterwards() -> dict[str, str]:
    async def later() -> None:
        await gate.wait()
        async with state.database.write() as session:
            await session.execute(text("INSERT INTO boxes (name) VALUES ('later')"))

    tasks.append(asyncio.create_task(later()))
    return {}


@router.get("/{name}", operation_id="readBox", dependencies=[public()])
async def read(name: str, session: Read) -> dict[str, Any]:
    found = await session.scalar(text("SELECT price::text FROM boxes WHERE name = :name"), {"name": name})
    return {"price": found}


state: AppState
gate = asyncio.Event()
tasks: list[asyncio.Task[None]] = []


@pytest_asyncio.fixture(loop_scope="session")
async def running(own_database: DatabaseAddress) -> AsyncIterator[RunningApplication]:
    global state  # noqa: PLW0603 - routes that open sessions of their own
    as_administrator(
        own_database,
        "SET ROLE caravan_owner",
        "CREATE TABLE boxes (id bigserial PRIMARY KEY, name text NOT NULL, price numeric(12, 2) DEFAULT 12.50)",
        "CREATE TABLE labels (id bigserial PRIMARY KEY, box bigint REFERENCES boxes ON DELETE CASCADE"
        " DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO boxes (name) VALUES ('kept')",
        "INSERT INTO labels (box) VALUES (1)",
    )
    async with running_application(own_database, [router]) as application:
        verifier = SignatureVerifier(KEY.name, KEY.secret)
        dry_runs = DryRuns(verifier, application.state.database)
        parts = EdgeParts(
            application.state.settings,
            application.credentials,
            Limiter(None),
            AccessLog(application.log),
            dry_runs,
        )
        application.served = with_edge(application.app, parts)
        transport = httpx2.ASGITransport(app=application.served)
        async with httpx2.AsyncClient(transport=transport, base_url="http://caravan.test") as client:
            application.client = client
            state = application.state
            yield application


def state_of_rows(running: RunningApplication) -> dict[str, tuple[int, str]]:
    return all_rows(running.state.database.address, but=("dry_run_nonces",))


def rows_of(answer: httpx2.Response) -> tuple[bytes, list[dict[str, Any]]]:
    """The body without its rows, and the rows."""
    length = int(answer.headers[RESULT].removeprefix("rolled-back; rows="))
    cut = len(answer.content) - length
    return answer.content[:cut], json.loads(answer.content[cut:], parse_float=str)


def keyed(running: RunningApplication, key: str | None = None) -> dict[str, str]:
    return running.as_caller(caller("admin")) | {"Idempotency-Key": key or str(uuid4())}


async def test_a_write_is_answered_as_ever_and_undone(running: RunningApplication) -> None:
    before = state_of_rows(running)
    answer = await ask_dry(
        running.client, "POST", "/api/v1/boxes", json={"name": "a"}, headers=keyed(running)
    )
    assert (answer.status_code, answer.headers[RESULT]) == (201, "rolled-back")
    assert set(answer.json()) == {"id"}
    assert state_of_rows(running) == before, "outbox and idempotency keys included"
    assert b'"dry_run":true' in running.log_lines()[-1]


async def test_the_system_role_writes_dry_too(running: RunningApplication) -> None:
    before = state_of_rows(running)
    answer = await ask_dry(running.client, "POST", "/api/v1/boxes/system")
    assert (answer.json(), answer.headers[RESULT]) == ({"role": "caravan_system"}, "rolled-back")
    assert state_of_rows(running) == before


async def test_nobody_is_notified(running: RunningApplication) -> None:
    heard: list[str] = []
    listening = await asyncpg.connect(running.state.database.address.url)
    try:
        await listening.add_listener("boxes", lambda *told: heard.append(str(told[-1])))
        await ask_dry(running.client, "POST", "/api/v1/boxes", json={"name": "a"}, headers=keyed(running))
        await listening.execute("SELECT 1")
        assert heard == []
        await running.client.post("/api/v1/boxes", json={"name": "a"}, headers=keyed(running))
        await listening.execute("SELECT 1")
        assert heard == ["one more"]
    finally:
        await listening.close()


async def test_a_dry_run_takes_no_idempotency_key_and_replays_no_answer(running: RunningApplication) -> None:
    headers = keyed(running)
    box = {"name": "a"}
    first = await ask_dry(running.client, "POST", "/api/v1/boxes", json=box, headers=headers)
    real = await running.client.post("/api/v1/boxes", json=box, headers=headers)
    assert (real.status_code, "idempotency-replayed" in real.headers) == (201, False)
    again = await ask_dry(running.client, "POST", "/api/v1/boxes", json=box, headers=headers)
    assert "idempotency-replayed" not in again.headers
    assert len({answer.json()["id"] for answer in (first, real, again)}) == 3


async def test_what_a_commit_would_refuse_is_refused(running: RunningApplication) -> None:
    with structlog.testing.capture_logs() as logged:
        real = await running.client.post("/api/v1/boxes/late")
        dry = await ask_dry(running.client, "POST", "/api/v1/boxes/late")
    assert [line["event"] for line in logged] == ["request.failed"] * 2
    assert (dry.status_code, dry.content) == (real.status_code, real.content) == (500, real.content)
    assert dry.headers[RESULT] == "rolled-back"


async def test_rows_are_told_while_the_probe_is_on(running: RunningApplication) -> None:
    address = running.state.database.address
    assert {"boxes", "labels"} <= set(probe_on(address, ["boxes", "labels"]))
    before = state_of_rows(running)
    for _ in range(2):  # on one connection twice: the temporary table is another each time
        answer = await ask_dry(
            running.client, "POST", "/api/v1/boxes", json={"name": "a"}, headers=keyed(running)
        )
        body, rows = rows_of(answer)
        new = json.loads(body)["id"]
        assert rows == [
            {
                "table": "boxes",
                "operation": "insert",
                "key": new,
                "columns": {"id": int(new), "name": "a", "price": "12.50"},
            }
        ]
    _, rows = rows_of(await ask_dry(running.client, "PUT", "/api/v1/boxes/kept"))
    changed = {"id": 1, "name": "kept", "price": "7.00"}
    assert rows == [
        {"table": "boxes", "operation": "update", "key": "1", "changed": ["price"], "columns": changed}
    ], "two statements on one row are one change"
    _, rows = rows_of(await ask_dry(running.client, "DELETE", "/api/v1/boxes/kept"))
    assert [(each["table"], each["operation"], each["key"]) for each in rows] == [
        ("boxes", "delete", "1"),
        ("labels", "delete", "1"),
    ], "what a foreign key cascades to is told too"
    _, rows = rows_of(await ask_dry(running.client, "POST", "/api/v1/boxes/system"))
    assert [each["operation"] for each in rows] == ["insert"]
    assert state_of_rows(running) == before
    probe_off(address)
    assert probed_tables(address) == []
    answer = await ask_dry(running.client, "PUT", "/api/v1/boxes/kept")
    assert answer.headers[RESULT] == "rolled-back"


async def test_secrets_and_unknown_tables_are_never_told(own_database: DatabaseAddress) -> None:
    for table in ("users", "refresh_tokens", "no_such_table"):
        with pytest.raises(DryRunProbeError, match=table):
            probe_on(own_database, [table])
    told = probe_on(own_database)
    assert {"orders", "customers"} <= set(told)
    assert {"users", "api_keys", "invites", "outbox"}.isdisjoint(told)


async def test_the_engine_understands_answer_and_rows(running: RunningApplication) -> None:
    probe_on(running.state.database.address, ["boxes"])
    headers = (*keyed(running).items(), ("Content-Type", "application/json"))
    told = Request("POST", "/api/v1/boxes?x=%2F", headers, Body.of(b'{"name": "a"}'))

    async def ask(request: Request) -> Answer:
        answer = await running.client.request(
            request.method, request.target, headers=dict(request.headers), content=request.body.content
        )
        pairs = tuple(answer.headers.items())
        return Answer(answer.status_code, pairs, Body.of(answer.content))

    await probe_dry_runs(ask, "/api/v1/boxes/kept", KEY, utc_now())
    exchange = Exchange(uuid4(), utc_now(), told, Answer(201))
    triple, found = await ask_dry_run(ask, exchange, "POST /api/v1/boxes", KEY, utc_now())
    assert triple.not_judged is None
    assert found.rows is not None
    assert [(row.table, row.operation) for row in found.rows] == [("boxes", "insert")]
    assert found.answer.body.content is not None
    assert set(json.loads(found.answer.body.content)) == {"id"}
    with pytest.raises(DryRunIgnoredError, match="refused"):
        await probe_dry_runs(ask, "/api/v1/boxes/kept", DryRunKey("k2", b"some other secret"), utc_now())


@pytest.mark.parametrize(
    ("method", "path", "reason"),
    [
        ("PUT", "/api/v1/boxes/kept", "lock timeout"),
        ("POST", "/api/v1/boxes/stubborn", "lock timeout"),
        ("POST", "/api/v1/boxes/twice", "it takes more than one transaction"),
        ("POST", "/api/v1/boxes/looks", "it reads what it wrote in another transaction"),
    ],
)
async def test_what_cannot_be_run_as_it_would_be_is_not_judged(
    running: RunningApplication, method: str, path: str, reason: str
) -> None:
    before = state_of_rows(running)
    with (
        psycopg.connect(running.state.database.address.libpq(None)) as other,
        structlog.testing.capture_logs() as logged,
    ):
        other.execute("SELECT FROM boxes WHERE name = 'kept' FOR UPDATE")
        answer = await ask_dry(running.client, method, path)
    assert logged == [], "a lock that another holds is no failure of ours"
    assert (answer.status_code, answer.json()["error_code"]) == (409, "dry_run_not_run")
    assert answer.headers[RESULT] == f"not-run; reason={reason}"
    told = Answer(409, tuple(answer.headers.items()), Body.of(answer.content))
    assert read_dry_run(told).not_judged == f"the dry run was not run: {reason}"
    assert state_of_rows(running) == before


async def test_what_outlives_a_dry_run_writes_no_more(running: RunningApplication) -> None:
    before = state_of_rows(running)
    gate.clear()
    assert (await ask_dry(running.client, "POST", "/api/v1/boxes/afterwards")).is_success
    gate.set()
    with pytest.raises(Exception, match="more than one transaction"):
        await tasks.pop()
    assert state_of_rows(running) == before


async def test_a_read_is_answered_as_ever(running: RunningApplication) -> None:
    answer = await ask_dry(running.client, "GET", "/api/v1/boxes/kept")
    assert (answer.json(), answer.headers[RESULT]) == ({"price": "12.50"}, "rolled-back")
    head = await ask_dry(running.client, "HEAD", "/api/v1/boxes/kept")
    assert (head.content, head.headers[RESULT]) == (b"", "rolled-back")


async def test_a_dry_run_counts_for_no_limit_and_is_not_remembered(running: RunningApplication) -> None:
    headers = keyed(running)
    for _ in range(3):
        await ask_dry(running.client, "GET", "/api/v1/boxes/kept", headers=headers)
    assert len(running.authenticator.asked) == 3
    real = await running.client.get("/api/v1/boxes/kept", headers=headers)
    assert int(real.headers["x-ratelimit-remaining"]) == int(real.headers["x-ratelimit-limit"]) - 1


@pytest.mark.parametrize("spoilt", ["key", "body", "target", "old", "form", "twice", "method"])
async def test_a_header_that_does_not_hold_runs_nothing(running: RunningApplication, spoilt: str) -> None:
    before = state_of_rows(running)
    headers = keyed(running)
    request = running.client.build_request("POST", "/api/v1/boxes", json={"name": "a"}, headers=headers)
    signed(request, DryRunKey("k2", b"some other secret") if spoilt == "key" else KEY)
    sent = request.headers.multi_items()
    content, path, method = request.read(), "/api/v1/boxes", "POST"
    if spoilt == "body":
        content = content.replace(b"a", b"b")
    elif spoilt == "target":
        path += "?x=1"
    elif spoilt == "method":
        method = "PUT"
    elif spoilt == "form":
        sent = [(name, "v2; " + value if name == "caravan-dry-run" else value) for name, value in sent]
    elif spoilt == "twice":
        sent.append(("caravan-dry-run", "v1"))
    elif spoilt == "old":
        plain = Request("POST", path, (), Body.of(content))
        past = utc_now() - timedelta(seconds=61)
        old = signed_header(plain, key=KEY.name, secret=KEY.secret, now=past)[1]
        sent = [(name, old if name == "caravan-dry-run" else value) for name, value in sent]
    answer = await running.client.request(method, path, content=content, headers=sent)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "dry_run_refused")
    assert RESULT not in answer.headers
    assert state_of_rows(running) == before
    assert running.authenticator.asked == [], "nothing ran, not even the look at the credentials"
    assert "x-ratelimit-limit" in (await running.client.get("/api/v1/boxes/kept")).headers


async def test_a_signature_is_good_once(running: RunningApplication) -> None:
    request = signed(running.client.build_request("POST", "/api/v1/boxes/system"))
    headers = dict(request.headers)
    first = await running.client.post("/api/v1/boxes/system", headers=headers)
    again = await running.client.post("/api/v1/boxes/system", headers=headers)
    assert (first.status_code, again.status_code, again.json()["error_code"]) == (200, 401, "dry_run_used")


async def test_without_a_secret_a_signed_request_is_refused(own_database: DatabaseAddress) -> None:
    async with running_application(own_database, [router]) as off:
        answer = await ask_dry(off.client, "POST", "/api/v1/boxes/system")
        assert (answer.status_code, answer.json()["error_code"]) == (401, "dry_run_off")
