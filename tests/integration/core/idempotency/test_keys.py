"""One key, one effect, one answer: retried, raced, failed, reused."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio
from fastapi import Request, Response
from pydantic import BaseModel
from sqlalchemy import text

from caravan.core.database import DatabaseAddress
from caravan.core.errors import CaravanError
from caravan.core.http import Write, answers_with_secret, api_router, guard, public
from caravan.core.idempotency import claims
from caravan.core.principal import Principal
from tests.fixtures.applications import RunningApplication, caller, running_application
from tests.fixtures.databases import as_administrator

pytestmark = pytest.mark.asyncio

router = api_router("things", prefix="/api/v1/things")
WHO = Annotated[Principal, guard("admin")]


class Thing(BaseModel):
    name: str
    pause: float = 0


class Door:
    """Where a request with the name "held" waits."""

    def __init__(self) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()


class TooSillyError(CaravanError):
    code = "test_too_silly"
    status = 409
    title = "Too silly"
    fix = "Be serious."


@router.post("", operation_id="createThing", status_code=201)
async def create(
    thing: Thing, who: WHO, session: Write, request: Request, response: Response
) -> dict[str, str]:
    number = await session.scalar(
        text("INSERT INTO things (name) VALUES (:name) RETURNING number"), {"name": thing.name}
    )
    if thing.name == "silly":
        raise TooSillyError
    if thing.name == "crash":
        raise ZeroDivisionError
    if thing.name == "held":
        request.app.state.door.reached.set()
        await request.app.state.door.opened.wait()
    await asyncio.sleep(thing.pause)
    response.headers["Location"] = f"/api/v1/things/{number}"
    return {"number": str(number), "name": thing.name}


@router.post("/keys", operation_id="createKey", status_code=201)
@answers_with_secret
async def create_key(who: WHO, session: Write) -> dict[str, str]:
    await session.execute(text("INSERT INTO things (name) VALUES ('key')"))
    return {"secret": "shown-once"}


@router.delete("/{name}", operation_id="deleteThing", status_code=204)
async def delete(name: str, who: WHO, session: Write) -> None:
    await session.execute(text("DELETE FROM things WHERE name = :name"), {"name": name})


@router.post("/visits", operation_id="visit", dependencies=[public()])
async def visit(session: Write) -> dict[str, int]:
    await session.execute(text("INSERT INTO things (name) VALUES ('visit')"))
    return {"ok": 1}


@router.post("/counted", operation_id="count")
async def count(who: WHO, request: Request) -> dict[str, int]:
    request.app.state.counted = getattr(request.app.state, "counted", 0) + 1
    return {"counted": request.app.state.counted}


@pytest_asyncio.fixture(loop_scope="session")
async def running(own_database: DatabaseAddress) -> AsyncIterator[RunningApplication]:
    as_administrator(
        own_database,
        "CREATE TABLE things (number bigserial PRIMARY KEY, name text)",
        "GRANT ALL ON things, things_number_seq TO caravan_app, caravan_system",
    )
    async with running_application(own_database, [router]) as application:
        yield application


async def things(running: RunningApplication) -> int:
    count = await running.state.database.fetch_value("SELECT count(*) FROM things")
    assert isinstance(count, int)
    return count


def key(headers: dict[str, str], value: str | None = None) -> dict[str, str]:
    return headers | {"Idempotency-Key": value or str(uuid4())}


async def test_a_creation_without_a_key_is_refused_before_any_effect(running: RunningApplication) -> None:
    answer = await running.client.post(
        "/api/v1/things", json={"name": "a"}, headers=running.as_caller(caller("admin"))
    )
    assert (answer.status_code, answer.json()["error_code"]) == (400, "idempotency_key_missing")
    assert await things(running) == 0


@pytest.mark.parametrize("bad", ["", "x" * 256, "tab\there"])
async def test_an_unusable_key_is_refused(running: RunningApplication, bad: str) -> None:
    headers = key(running.as_caller(caller("admin"))) | {"Idempotency-Key": bad}
    answer = await running.client.post("/api/v1/things", json={"name": "a"}, headers=headers)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "idempotency_key_invalid")


async def test_a_retry_gets_the_first_answer(running: RunningApplication) -> None:
    headers = key(running.as_caller(caller("admin")))
    first = await running.client.post("/api/v1/things", json={"name": "a"}, headers=headers)
    again = await running.client.post("/api/v1/things", json={"name": "a"}, headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["location"] == again.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await things(running) == 1


async def test_fifty_equal_requests_at_once_have_one_effect_and_one_answer(
    running: RunningApplication,
) -> None:
    headers = key(running.as_caller(caller("admin")))

    async def create_once() -> tuple[int, bytes]:
        while True:
            answer = await running.client.post(
                "/api/v1/things", json={"name": "a", "pause": 0.05}, headers=headers
            )
            if answer.status_code != 409:
                return answer.status_code, answer.content
            await asyncio.sleep(int(answer.headers["retry-after"]))

    answers = set(await asyncio.gather(*(create_once() for _ in range(50))))
    assert len(answers) == 1
    status, body = answers.pop()
    assert (status, orjson.loads(body)["name"]) == (201, "a")
    assert await things(running) == 1


async def test_another_body_under_the_same_key_is_refused(running: RunningApplication) -> None:
    headers = key(running.as_caller(caller("admin")))
    await running.client.post("/api/v1/things", json={"name": "a"}, headers=headers)
    other = await running.client.post("/api/v1/things", json={"name": "b"}, headers=headers)
    query = await running.client.post("/api/v1/things?x=1", json={"name": "a"}, headers=headers)
    assert [(answer.status_code, answer.json()["error_code"]) for answer in (other, query)] == [
        (422, "idempotency_key_reused")
    ] * 2
    assert await things(running) == 1


async def test_a_key_belongs_to_its_caller_and_path(running: RunningApplication) -> None:
    value = str(uuid4())
    for _ in range(2):
        headers = key(running.as_caller(caller("admin")), value)
        answer = await running.client.post("/api/v1/things", json={"name": "a"}, headers=headers)
        assert answer.status_code == 201
    assert await things(running) == 2


@pytest.mark.parametrize(("name", "status"), [("silly", 409), ("crash", 500)])
async def test_what_fails_leaves_nothing_and_frees_its_key(
    running: RunningApplication, name: str, status: int
) -> None:
    headers = key(running.as_caller(caller("admin")))
    failed = await running.client.post("/api/v1/things", json={"name": name}, headers=headers)
    assert failed.status_code == status
    assert await things(running) == 0
    after = await running.client.post("/api/v1/things", json={"name": "a"}, headers=headers)
    assert after.status_code == 201


async def test_an_answer_with_a_secret_is_not_kept(running: RunningApplication) -> None:
    headers = key(running.as_caller(caller("admin")))
    first = await running.client.post("/api/v1/things/keys", headers=headers)
    again = await running.client.post("/api/v1/things/keys", headers=headers)
    assert first.json() == {"secret": "shown-once"}
    assert (again.status_code, again.json()["error_code"]) == (409, "already_created")
    assert await things(running) == 1
    kept = await running.state.database.fetch_value("SELECT body FROM idempotency_keys WHERE secret")
    assert kept is None


async def test_a_second_request_is_told_to_wait_when_the_first_takes_long(
    running: RunningApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_PATIENCE", 0.1)
    headers = key(running.as_caller(caller("admin")))
    door = running.app.state.door = Door()
    slow = asyncio.create_task(running.client.post("/api/v1/things", json={"name": "held"}, headers=headers))
    await door.reached.wait()
    waiting = await running.client.post("/api/v1/things", json={"name": "held"}, headers=headers)
    door.opened.set()
    assert (waiting.status_code, waiting.json()["error_code"]) == (409, "request_in_progress")
    assert waiting.headers["retry-after"] == "1"
    assert (await slow).status_code == 201


async def test_other_unsafe_methods_may_carry_a_key(running: RunningApplication) -> None:
    who = running.as_caller(caller("admin"))
    headers = key(who)
    await running.client.post("/api/v1/things", json={"name": "a"}, headers=key(who))
    assert (await running.client.delete("/api/v1/things/a", headers=headers)).status_code == 204
    await running.client.post("/api/v1/things", json={"name": "a"}, headers=key(who))
    replayed = await running.client.delete("/api/v1/things/a", headers=headers)
    assert (replayed.status_code, replayed.headers["idempotency-replayed"]) == (204, "true")
    assert await things(running) == 1
    assert (await running.client.delete("/api/v1/things/a", headers=who)).status_code == 204
    assert await things(running) == 0


async def test_strangers_share_no_keys(running: RunningApplication) -> None:
    for _ in range(2):
        await running.client.post("/api/v1/things/visits", headers={"Idempotency-Key": "same"})
    assert await things(running) == 2


async def test_a_route_that_writes_nothing_keeps_no_answer(running: RunningApplication) -> None:
    headers = key(running.as_caller(caller("admin")))
    answers = [await running.client.post("/api/v1/things/counted", headers=headers) for _ in range(2)]
    assert [answer.json() for answer in answers] == [{"counted": 1}, {"counted": 2}]
