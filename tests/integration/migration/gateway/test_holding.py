"""Held writes: bounded in time, number and bytes; whoever is turned away is told to come again."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from caravan.migration.gateway.plan import PlannedRoute, PlannedUnit, RoutePlan
from tests.integration.migration.gateway.running import (
    QUICK,
    Answered,
    RunningGateway,
    Side,
    eventually,
    gateway,
)


def plan(*, held: bool, state: int = 4) -> RoutePlan:
    return RoutePlan(
        units=(PlannedUnit(name="orders", state=state, armed=held, held=held),),
        routes=(
            PlannedRoute(template="/orders", methods=("POST",), effect="write", unit="orders"),
            PlannedRoute(template="/orders/{id}", effect="read", unit="orders"),
        ),
    )


def is_held(answer: Answered) -> bool:
    told = (answer.status, answer.values(b"Caravan-Error"), answer.values(b"Retry-After"))
    return told == (503, [b"gateway.unit_held"], [b"1"])


def test_a_write_held_for_too_long_is_told_to_come_again_and_does_nothing(old: Side) -> None:
    with gateway(old, limits=replace(QUICK, hold_seconds=0.2)) as running, running.client() as client:
        running.use(plan(held=True))
        began = time.monotonic()
        assert is_held(client.post("/orders"))
        assert 0.15 < time.monotonic() - began < QUICK.hold_seconds
        assert client.is_closed()
        running.use(plan(held=False))
    assert not old.requests


def test_only_so_many_writes_wait(old: Side) -> None:
    with gateway(old, limits=replace(QUICK, hold_requests=2)) as running:
        running.use(plan(held=True))
        waiting = [running.client() for _ in range(2)]
        for client in waiting:
            client.send(b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
        eventually(lambda: len(running.server.path.holds) == 2)
        with running.client() as third:
            assert is_held(third.post("/orders"))
        running.use(plan(held=False))
        for client in waiting:
            assert client.answer().status == 200
            client.__exit__()
    assert len(old.requests) == 2


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_a_mebibyte_does_not_wait(old: Side, chunked: bool) -> None:
    body = b"x" * 1_100_000
    with gateway(old) as running:
        running.use(plan(held=True))
        with running.client() as client:
            if chunked:
                head = b"POST /orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                client.send(head + b"%x\r\n%b\r\n" % (len(body), body))
                assert is_held(client.answer())
            else:
                assert is_held(client.post("/orders", body))
        assert len(running.server.path.holds) == 0
    assert not old.requests


def test_a_body_of_a_mebibyte_waits_and_arrives_whole(old: Side) -> None:
    body = bytes(range(256)) * 4000
    with gateway(old) as running, running.client() as client:
        running.use(plan(held=True))
        client.send(
            b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:500_000]
        )
        eventually(lambda: len(running.server.path.holds) == 1)
        client.send(body[500_000:])
        eventually(lambda: held_bytes(running) == len(body))
        running.use(plan(held=False))
        assert client.answer().status == 200
    assert old.requests[0].payload == body


def held_bytes(running: RunningGateway) -> int:
    return sum(flight.pending_bytes for flight in running.server.path.holds.all())


def test_a_held_write_whose_client_goes_away_is_never_sent(old: Side) -> None:
    with gateway(old) as running:
        running.use(plan(held=True))
        with running.client() as client:
            client.send(b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
            eventually(lambda: len(running.server.path.holds) == 1)
        eventually(lambda: len(running.server.path.holds) == 0)
        running.use(plan(held=False))
        with running.client() as client:
            assert client.get("/orders/1").status == 200
    assert [request.first for request in old.requests] == [b"GET /orders/1 HTTP/1.1"]


def test_writes_that_waited_are_sent_in_the_order_in_which_they_came(old: Side) -> None:
    with gateway(old, limits=replace(QUICK, side_connections=1)) as running:
        running.use(plan(held=True))
        clients = [running.client() for _ in range(6)]
        for number, client in enumerate(clients):
            client.send(b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n%d" % number)
            eventually(partial(_waiting, running, number + 1))
        running.use(plan(held=False))
        for client in clients:
            assert client.answer().status == 200
            client.__exit__()
    assert [request.payload for request in old.requests] == [b"%d" % number for number in range(6)]


def _sum(clock: Callable[[], float], jump: float) -> float:
    return clock() + jump


def _waiting(running: RunningGateway, number: int) -> bool:
    return len(running.server.path.holds) == number


def test_a_clock_that_jumps_neither_ends_a_hold_nor_a_lease(
    old: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gateway(old) as running, running.client() as client:
        path = running.server.path
        running.call(lambda: setattr(path, "lease_until", time.monotonic() + 60))
        running.use(plan(held=True))
        client.send(b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
        eventually(lambda: len(path.holds) == 1)
        real = time.time
        for jump in (86_400.0, -86_400.0):
            monkeypatch.setattr(time, "time", partial(_sum, real, jump))
            with running.client() as other:
                assert other.get("/orders/1").status == 200
            assert path.has_lease
            assert len(path.holds) == 1
        running.use(plan(held=False))
        assert client.answer().status == 200
