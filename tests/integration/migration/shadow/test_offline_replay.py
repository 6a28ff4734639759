"""A recording is sent to two real servers and judged; it can be stopped and gone on with."""

# ruff: noqa: ANN401, S311 - seeded draws; documents of any shape

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from caravan.migration.exchange import Answer, Body, Exchange, Request
from caravan.migration.shadow import (
    Ask,
    Asker,
    Effect,
    Judge,
    JudgeSettings,
    OwnHosts,
    PairOutcome,
    Replay,
    ReplayProgress,
    ReplayRefusedError,
    Route,
    asked_at,
    asking_client,
    groups_of,
    replay_pair,
)

pytestmark = pytest.mark.asyncio
JSON = {"Content-Type": "application/json"}


def recording(count: int, method: str = "GET", target: str = "/orders/{}") -> list[Exchange]:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    return [
        Exchange(UUID(int=n), at, Request(method, target.format(n)), Answer(200), "client")
        for n in range(count)
    ]


def route_of(exchange: Exchange) -> Route | None:
    if exchange.request.path.startswith("/health"):
        return None
    effect = Effect.READ if exchange.request.method == "GET" else Effect.WRITE
    return Route(f"{exchange.request.method} /orders/{{id}}", effect)


@asynccontextmanager
async def sides(*urls: str) -> AsyncIterator[list[Ask]]:
    async with asking_client() as client:
        yield [asked_at(url, client) for url in urls]


def shop(broken_every: int = 0) -> Callable[..., Any]:
    """Serves orders with a moment of noise; each ``broken_every``-th is a cent off."""

    def answer(_method: str, target: str, _body: bytes, _headers: dict[str, str]) -> Any:
        number = int(target.rpartition("/")[2])
        off = 1 if broken_every and number % broken_every == 0 else 0
        document = {"id": number, "cents": number * 100 + off, "ticket": random.randint(10**15, 10**16 - 1)}
        return 200, JSON, json.dumps(document).encode()

    return answer


async def test_a_recording_is_judged_and_a_rare_defect_found_by_re_asking(serve: Any) -> None:
    async with sides(serve(shop()), serve(shop(broken_every=25))) as (old, new):
        replay = Replay(Judge(), old, new, route_of)
        seen: list[ReplayProgress] = []
        requests = [*recording(60), *recording(1, target="/health/{}"), *recording(2, "POST")]
        done = await replay.run(requests, progress=seen.append)
        assert done == seen[-1] == ReplayProgress(63, 60, 3, 0, 1)
        assert [each.position for each in seen] == list(range(1, 64))
        (group,) = groups_of(replay.judge)
        assert group.members == (("GET /orders/{id}", "$.cents"),)
        assert group.cause == "number changed by +1"

        asker = Asker(old=old, new=new, budget=None)
        again = await replay_pair(group.example, group.example.spot, asker)
        assert (again.outcome, again.differed, again.noisy) == (PairOutcome.ALWAYS, 9, 0)
        mended = await replay_pair(group.example, group.example.spot, Asker(old=old, new=old, budget=None))
        assert mended.outcome is PairOutcome.GONE


async def test_a_stopped_replay_goes_on_and_ends_as_if_it_had_not_been(serve: Any) -> None:
    old_url, new_url = serve(shop()), serve(shop(broken_every=20))
    async with sides(old_url, new_url) as (old, new):
        stop = asyncio.Event()

        def after_ten(progress: ReplayProgress) -> None:
            if progress.position >= 10:
                stop.set()

        first = Replay(Judge(), old, new, route_of, concurrency=3)
        stopped = await first.run(recording(50), progress=after_ten, stop=stop)
        assert 10 <= stopped.position < 20
        second = Replay(Judge(), old, new, route_of)
        second.resume(json.loads(json.dumps(first.to_json())))
        assert await second.run(recording(50)) == ReplayProgress(50, 50, 0, 0, 1)
        route = second.judge.routes["GET /orders/{id}"]
        assert route.coverage.judged == 50


async def test_writes_need_two_copies_of_old_and_are_sent_once_to_each_in_order(serve: Any) -> None:
    received: dict[str, list[str]] = {"old": [], "again": [], "new": []}

    def taking(name: str) -> str:
        def answer(_method: str, target: str, body: bytes, _headers: dict[str, str]) -> Any:
            received[name].append(f"{target} {body.decode()}")
            return 201, JSON, b'{"made": true}'

        url: str = serve(answer)
        return url

    posts = [
        Exchange(
            UUID(int=n),
            datetime(2026, 3, 1, tzinfo=UTC),
            Request("POST", f"/orders/{n}", (("Content-Type", "application/json"),), Body.of(b"{}")),
            Answer(201),
        )
        for n in range(5)
    ]
    async with sides(*(taking(name) for name in received)) as (old, again, new):
        with pytest.raises(ReplayRefusedError):
            await Replay(Judge(), old, new, route_of, writes=True).run(posts)
        replay = Replay(Judge(), old, new, route_of, again=again, writes=True)
        assert (await replay.run(posts)).judged == 5
    expected = [f"/orders/{n} {{}}" for n in range(5)]
    assert received == {"old": expected, "again": expected, "new": expected}


async def test_the_target_and_the_headers_arrive_as_they_were_recorded(serve: Any) -> None:
    got: list[tuple[str, dict[str, str]]] = []

    def answer(_method: str, target: str, _body: bytes, headers: dict[str, str]) -> Any:
        got.append((target, headers))
        return 302, {"Location": "/elsewhere", "Set-Cookie": "a=1"}, b""

    target = "/a//b%2Fc/../%7Ed?q=%C3%A9&empty=&x=a+b"
    headers = (("Host", "shop.example"), ("X-Odd", "\xe9"), ("Accept", "*/*"), ("Connection", "close"))
    async with sides(serve(answer)) as (ask,):
        answers = [await ask(Request("GET", target, headers)) for _ in range(2)]
    assert [each.status for each in answers] == [302, 302], "redirects are not followed"
    assert [each[0] for each in got] == [target, target]
    kept = {name: value for name, value in got[1][1].items() if name != "Connection"}
    assert kept == {"Host": "shop.example", "X-Odd": "\xe9", "Accept": "*/*"}, "and no cookie comes back"


async def test_a_base_path_goes_before_each_target(serve: Any) -> None:
    got: list[str] = []

    def answer(_method: str, target: str, _body: bytes, _headers: dict[str, str]) -> Any:
        got.append(target)
        return 200, JSON, b"{}"

    async with sides(f"{serve(answer)}/v2/") as (ask,):
        await ask(Request("GET", "/orders/1"))
    assert got == ["/v2/orders/1"]


async def test_a_side_that_is_not_there_gives_no_answer_and_a_reason() -> None:
    async with sides("http://127.0.0.1:9") as (ask,):
        answer = await ask(Request("GET", "/"))
    assert answer.status == 0
    assert answer.failure is not None
    assert "Connect" in answer.failure


async def test_a_long_answer_is_kept_as_its_hash_and_an_endless_one_is_none(serve: Any) -> None:
    long = b"x" * 1_100_000

    def answer(_method: str, target: str, _body: bytes, _headers: dict[str, str]) -> Any:
        return 200, JSON, long if target == "/long" else b"{}"

    async with asking_client() as client:
        url = serve(answer)
        kept = await asked_at(url, client)(Request("GET", "/long"))
        assert (kept.body.content, kept.body.length) == (None, len(long))
        assert kept.body.sha256 == Body.of(long).sha256
        late = await asked_at(url, client, longest=0)(Request("GET", "/"))
    assert (late.status, late.failure) == (0, "TimeoutError")


async def test_each_side_may_redirect_to_itself(serve: Any) -> None:
    def redirecting(host: str) -> Callable[..., Any]:
        return lambda *_: (302, {"Location": f"http://{host}/login"}, b"")

    settings = JudgeSettings(old_hosts=OwnHosts.of(["old.internal"]), new_hosts=OwnHosts.of(["new.internal"]))
    async with sides(serve(redirecting("old.internal")), serve(redirecting("new.internal"))) as (old, new):
        done = await Replay(Judge(settings), old, new, route_of).run(recording(20))
        assert done.reported == 0
        done = await Replay(Judge(), old, new, route_of).run(recording(20))
        assert done.reported == 1
