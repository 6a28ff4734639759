"""Sides and clients that misbehave: no request is lost, doubled or answered with a half that looks whole."""

import socket
import time
from dataclasses import replace

import pytest

from caravan.migration.gateway.plan import PlannedRoute, PlannedUnit, RoutePlan
from tests.integration.migration.gateway.running import (
    PATIENCE,
    QUICK,
    Elsewhere,
    Received,
    RunningGateway,
    Script,
    Side,
    eventually,
    gateway,
    side,
)

READ = RoutePlan(routes=(PlannedRoute(template="/orders", methods=("GET", "POST"), effect="read"),))
NEW = RoutePlan(
    routes=(
        PlannedRoute(template="/orders", methods=("GET", "POST"), effect="read", side="new", fallback=True),
        PlannedRoute(template="/writes", methods=("POST",), effect="write", side="new", fallback=True),
        PlannedRoute(template="/plain", effect="read", side="new"),
    )
)
AUTHORITY = RoutePlan(
    units=(PlannedUnit(name="orders", state=7),),
    routes=(
        PlannedRoute(template="/orders", methods=("POST",), effect="write", unit="orders", fallback=True),
        PlannedRoute(template="/orders/{id}", effect="read", unit="orders", fallback=True),
    ),
)


@pytest.fixture
def closed_port() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 70_000,
    ],
)
def test_what_is_no_answer_is_told_as_a_bad_gateway(answer: bytes, proxy: RunningGateway, old: Side) -> None:
    def script(request: Received) -> bool:
        request.send(answer)
        return False

    old.script = script
    with proxy.client() as client:
        got = client.post()

    assert (got.status, got.values(b"Caravan-Error")) == (502, [b"gateway.answer_broken"])
    assert len(old.requests) == 1  # a write is never sent twice


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nzz\r\n",
    ],
)
def test_an_answer_that_was_cut_never_looks_whole(answer: bytes, proxy: RunningGateway, old: Side) -> None:
    def script(request: Received) -> bool:
        request.send(answer)
        return False

    old.script = script
    with proxy.client() as client, pytest.raises((EOFError, ConnectionError, ValueError)):
        client.get()


def test_bytes_beyond_the_length_reach_no_other_client(proxy: RunningGateway, old: Side) -> None:
    old.script = lambda request: request.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    )
    with proxy.client() as client:
        assert client.get().body == b"ok"
        assert client.get().body == b"ok"


def test_a_side_that_speaks_unasked_loses_its_connection(proxy: RunningGateway, old: Side) -> None:
    with proxy.client() as client:
        client.get()
        before = old.connections
        old.requests[0].send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nevil")
        eventually(lambda: proxy.server.path.pools["old"].idle == 0)
        assert client.get().body == b"/orders"
        assert old.connections == before + 1


def test_a_read_is_sent_again_when_its_kept_connection_was_just_closed(
    proxy: RunningGateway, old: Side
) -> None:
    proxy.use(READ)
    with proxy.client() as client:
        client.get()
        old.script = lambda _request: False  # closes without an answer, as a server does whose patience ended

        def once(request: Received) -> bool:
            old.script = lambda request: request.answer(b"again")
            return False

        old.script = once
        assert client.get().body == b"again"
        client.get()
        old.script = once
        assert client.post(body=b"a question").body == b"again"
        assert old.requests[-1].payload == b"a question"


def test_a_write_is_not_sent_again(proxy: RunningGateway, old: Side) -> None:
    with proxy.client() as client:
        client.post()
        before = len(old.requests)
        old.script = lambda _request: False
        assert client.post().status == 502
        assert len(old.requests) == before + 1


def test_a_side_that_is_not_there_is_told(closed_port: str) -> None:
    with gateway(Elsewhere(closed_port)) as running, running.client() as client:
        answer = client.get()

    assert (answer.status, answer.values(b"Caravan-Error")) == (502, [b"gateway.side_unreachable"])


def test_a_side_that_never_answers_is_given_up(old: Side) -> None:
    old.script = lambda request: None if request.connection.recv(1) else False
    limits = replace(QUICK, answer_seconds=0.3)
    with gateway(old, limits=limits) as running, running.client() as client:
        answer = client.get()

    assert (answer.status, answer.values(b"Caravan-Error")) == (504, [b"gateway.answer_late"])


def test_a_side_that_falls_silent_in_mid_answer_is_cut(old: Side) -> None:
    def script(request: Received) -> bool:
        request.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        return bool(request.connection.recv(1))

    old.script = script
    limits = replace(QUICK, stream_seconds=0.3)
    with (
        gateway(old, limits=limits) as running,
        running.client() as client,
        pytest.raises((EOFError, ConnectionError)),
    ):
        client.get()


def test_slow_heads_are_given_up_and_bytes_now_and_then_do_not_help(old: Side) -> None:
    limits = replace(QUICK, head_seconds=0.4)
    with gateway(old, limits=limits) as running, running.client() as client:
        began = time.monotonic()
        client.send(b"GET / HTTP/1.1\r\n")
        client.socket.settimeout(0.1)
        answer = b""
        while not answer and time.monotonic() - began < PATIENCE:
            client.send(b"X-A: b\r\n")
            try:
                answer = client.socket.recv(1000)
            except TimeoutError:
                continue

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert not old.requests


def test_slow_bodies_are_given_up(old: Side) -> None:
    limits = replace(QUICK, body_seconds=0.3)
    with gateway(old, limits=limits) as running, running.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        answer = client.answer()

    assert (answer.status, answer.values(b"Caravan-Error")) == (408, [b"gateway.body_late"])
    assert old.aborted.wait(PATIENCE)


def test_idle_connections_are_closed_after_their_time(old: Side) -> None:
    limits = replace(QUICK, idle_seconds=0.2)
    with gateway(old, limits=limits) as running, running.client() as client:
        client.get()
        assert client.is_closed()


def test_a_client_that_does_not_read_is_cut_and_the_side_is_not_drained(old: Side) -> None:
    sent = []

    def script(request: Received) -> bool:
        request.send(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n")
        request.connection.settimeout(5)
        try:
            while True:
                request.connection.sendall(b"x" * 65536)
                sent.append(65536)
        except OSError:
            return False

    old.script = script
    limits = replace(QUICK, stream_seconds=0.4)
    with gateway(old, limits=limits) as running, running.client() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        eventually(lambda: running.server.path.connections == 1)
        eventually(lambda: running.server.path.connections == 0)

    assert sum(sent) < 50_000_000


def test_too_many_clients_are_turned_away_and_the_others_served(old: Side) -> None:
    limits = replace(QUICK, clients=2)
    with gateway(old, limits=limits) as running, running.client() as one, running.client() as two:
        assert one.get().status == two.get().status == 200
        with running.client() as three:
            assert three.is_closed()
        assert one.get().status == 200


def test_requests_wait_in_line_when_the_side_takes_no_more_connections(old: Side) -> None:
    limits = replace(QUICK, side_connections=2)

    def script(request: Received) -> None:
        time.sleep(0.02)
        request.answer(request.first.split(b" ")[1])

    old.script = script
    before = old.connections
    with gateway(old, limits=limits) as running:
        clients = [running.client() for _ in range(8)]
        for number, client in enumerate(clients):
            client.send(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)
        assert [client.answer().body for client in clients] == [b"/%d" % number for number in range(8)]
        for client in clients:
            client.__exit__()

    assert old.connections - before <= 2


def test_a_full_line_is_told(old: Side) -> None:
    limits = replace(QUICK, side_connections=1, side_waiting=0)
    old.script = lambda request: False if request.connection.recv(1) == b"" else None
    with gateway(old, limits=limits) as running, running.client() as one, running.client() as two:
        one.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        eventually(lambda: old.heads)
        answer = two.get()

    assert (answer.status, answer.values(b"Retry-After")) == (503, [b"1"])


def _breaks_off(_request: Received) -> bool:
    return False


def _says_503(request: Received) -> None:
    request.answer(b"no", status="503 Service Unavailable")


@pytest.mark.parametrize("script", [_breaks_off, _says_503])
def test_a_read_falls_back_to_the_old_side(script: Script, old: Side) -> None:
    with side(script) as new, gateway(old, new) as running, running.client() as client:
        running.use(NEW)
        assert client.get().body == b"/orders"
        answer = client.post(body=b"a question")

    assert (answer.status, old.requests[-1].payload) == (200, b"a question")


def test_a_read_without_fallback_gets_the_new_sides_answer(old: Side) -> None:
    with side(_says_503) as new, gateway(old, new) as running, running.client() as client:
        running.use(NEW)
        assert client.get("/plain").status == 503
    assert not old.requests


def test_a_write_falls_back_only_when_no_byte_of_it_was_sent(old: Side, closed_port: str) -> None:
    with gateway(old, Elsewhere(closed_port)) as running, running.client() as client:
        running.use(NEW)
        assert client.post("/writes").status == 200
    old.requests.clear()
    with side(_breaks_off) as new, gateway(old, new) as running, running.client() as client:
        running.use(NEW)
        assert client.post("/writes").status == 502

    assert not old.requests


def test_a_write_never_falls_back_against_authority(old: Side, closed_port: str) -> None:
    with gateway(old, Elsewhere(closed_port)) as running:
        running.use(AUTHORITY)
        with running.client() as client:
            assert client.post("/orders").status == 502
        with running.client() as client:
            assert client.get("/orders/1").status == 200  # a read may

    assert [request.first for request in old.requests] == [b"GET /orders/1 HTTP/1.1"]


def test_fallback_needs_the_new_side_to_be_late_only_once(old: Side) -> None:
    limits = replace(QUICK, answer_seconds=0.3)
    with (
        side(lambda request: bool(request.connection.recv(1))) as new,
        gateway(old, new, limits=limits) as running,
    ):
        running.use(NEW)
        with running.client() as client:
            assert client.get().body == b"/orders"
