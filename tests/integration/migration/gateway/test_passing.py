"""What a proxy owes to HTTP/1.1: heads word for word, bodies in both framings, answers in order, ends that are true."""

import socket
import struct
import time
from functools import partial

import pytest

from caravan.migration.gateway.side_pool import SideAddress
from tests.integration.migration.gateway.running import (
    Client,
    Elsewhere,
    Received,
    RunningGateway,
    Side,
    eventually,
    gateway,
)


def test_target_and_headers_pass_byte_for_byte(proxy: RunningGateway, old: Side) -> None:
    target = b"//a%2Fb/../%7Ec;x=1?q=%C3%A4&q=2&&=#".rstrip(b"#")
    lines = [
        b"hOsT: shop.example",
        b"X-Twice: 1",
        b"x-umlaut: \xe4\xf6",
        b"X-Twice:2  ",
        b"Cookie: a=b; c=d",
        b"X-Empty:",
    ]
    with proxy.client() as client:
        client.ask(b"\r\n".join([b"GET %b HTTP/1.1" % target, *lines, b"", b""]))

    request = old.requests[0]
    assert request.first == b"GET %b HTTP/1.1" % target
    assert request.lines[: len(lines)] == lines


def test_the_answers_head_passes_byte_for_byte(proxy: RunningGateway, old: Side) -> None:
    lines = b"x-LOWER: 1\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-Bytes: \xff\r\nDate: never\r\n"
    old.script = lambda request: request.answer(b"body", status="299 Odd (yes)", headers=lines)
    with proxy.client() as client:
        answer = client.get()

    assert answer.head == b"HTTP/1.1 299 Odd (yes)\r\nContent-Length: 4\r\n" + lines + b"\r\n"
    assert answer.body == b"body"


def test_headers_of_the_connection_stay_on_it(proxy: RunningGateway, old: Side) -> None:
    def script(request: Received) -> None:
        request.answer(
            b"ok", headers=b"Connection: X-Inner\r\nX-Inner: 1\r\nKeep-Alive: timeout=5\r\nX-Outer: 2\r\n"
        )

    old.script = script
    with proxy.client() as client:
        answer = client.get(
            headers=b"Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip\r\nX-End: 1\r\n"
        )

    names = {line.partition(b":")[0].lower() for line in old.requests[0].lines}
    assert names == {
        b"host",
        b"x-end",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-request-id",
    }
    assert answer.head == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Outer: 2\r\n\r\n"


def test_a_stranger_is_not_believed_about_whom_he_forwards_for(proxy: RunningGateway, old: Side) -> None:
    with proxy.client() as client:
        client.get(
            headers=b"X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nForwarded: for=6.6.6.6\r\nX-Forwarded-Host: x\r\n"
        )

    request = old.requests[0]
    assert request.values(b"X-Forwarded-For") == [b"127.0.0.1"]
    assert request.values(b"X-Forwarded-Proto") == [b"http"]
    assert request.values(b"X-Forwarded-Host") == [b"shop.example"]
    assert request.values(b"Forwarded") == []


def test_a_trusted_proxy_is_believed_and_joins_the_chain(old: Side) -> None:
    with gateway(old, trusted_proxies=("127.0.0.0/8",)) as running, running.client() as client:
        client.get(headers=b"X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n")

    request = old.requests[0]
    assert request.values(b"X-Forwarded-For") == [b"1.2.3.4, 127.0.0.1"]
    assert request.values(b"X-Forwarded-Proto") == [b"https"]


def test_a_request_without_an_id_gets_one_and_one_with_keeps_it(proxy: RunningGateway, old: Side) -> None:
    with proxy.client() as client:
        client.get()
        client.get()
        client.get(headers=b"x-request-id: mine\r\n")

    made, other, given = (request.values(b"X-Request-ID") for request in old.requests)
    assert len(made[0]) == 36
    assert made != other
    assert given == [b"mine"]


def test_one_connection_carries_many_requests_on_both_sides(proxy: RunningGateway, old: Side) -> None:
    before = old.connections
    with proxy.client() as client:
        for number in range(20):
            assert client.get(f"/{number}").body == f"/{number}".encode()

    assert old.connections <= before + 1


def test_pipelined_requests_are_answered_in_order(proxy: RunningGateway, old: Side) -> None:
    def script(request: Received) -> None:
        if request.first.startswith(b"GET /0 "):
            time.sleep(0.05)
        request.answer(request.first.split(b" ")[1])

    old.script = script
    with proxy.client() as client:
        head = b"GET /%d HTTP/1.1\r\nHost: shop.example\r\n\r\n"
        post = b"POST /%d HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3\r\n\r\nabc"
        client.send(b"".join((post if number % 3 == 1 else head) % number for number in range(30)))

        assert [client.answer().body for _ in range(30)] == [b"/%d" % number for number in range(30)]


def test_a_chunked_body_arrives_chunked_and_whole_with_its_trailers(proxy: RunningGateway, old: Side) -> None:
    with proxy.client() as client:
        client.send(b"POST /orders HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (b"5\r\nhel", b"lo\r", b"\n6;x=y\r\n world\r\n", b"0\r\nX-Su", b"m: 1\r\n\r", b"\n"):
            client.send(piece)
            time.sleep(0.002)
        assert client.answer().status == 200

    request = old.requests[0]
    assert request.payload == b"hello world"
    assert request.body.endswith(b"0\r\nX-Sum: 1\r\n\r\n")
    assert b"x=y" not in request.body


def test_a_chunked_answer_keeps_its_trailers_and_the_connection(proxy: RunningGateway, old: Side) -> None:
    def script(request: Received) -> None:
        request.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n")
        request.send(b"2;q\r\nde\r\n0\r\nX-Sum: 2\r\n\r\n")

    old.script = script
    with proxy.client() as client:
        answer = client.get()
        assert answer.body == b"abcde"
        assert answer.raw.endswith(b"0\r\nX-Sum: 2\r\n\r\n")
        assert client.get().status == 200


def test_an_answer_that_ends_with_its_connection_is_chunked_for_the_client(
    proxy: RunningGateway, old: Side
) -> None:
    def script(request: Received) -> bool:
        request.send(b"HTTP/1.0 200 OK\r\nX: y\r\n\r\nfirst ")
        request.send(b"second")
        return False

    old.script = script
    with proxy.client() as client:
        answer = client.get()
        assert (answer.body, answer.values(b"Transfer-Encoding")) == (b"first second", [b"chunked"])
        old.script = lambda request: request.answer()
        assert client.get().status == 200


def test_an_old_client_gets_no_chunks_and_its_connection_is_closed(proxy: RunningGateway, old: Side) -> None:
    old.script = lambda request: request.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    )
    with proxy.client() as client:
        answer = client.ask(b"GET /orders HTTP/1.0\r\n\r\n")

    assert answer.body == b"abc"
    assert answer.values(b"Transfer-Encoding") == []
    assert old.requests[0].first == b"GET /orders HTTP/1.1"


def test_an_old_client_may_keep_its_connection(proxy: RunningGateway) -> None:
    with proxy.client() as client:
        for _ in range(2):
            answer = client.ask(b"GET /orders HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
            assert answer.values(b"Connection") == [b"keep-alive"]


def test_close_is_honoured(proxy: RunningGateway) -> None:
    with proxy.client() as client:
        answer = client.get(headers=b"Connection: close\r\n")
        assert answer.values(b"Connection") == [b"close"]
        assert client.is_closed()


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"),
        (b"HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 999\r\nETag: a\r\n\r\n"),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
    ],
)
def test_answers_without_a_body_end_at_their_head(
    method: bytes, answer: bytes, proxy: RunningGateway, old: Side
) -> None:
    old.script = lambda request: request.send(answer)
    with proxy.client() as client:
        for _ in range(2):
            got = client.ask(b"%b /orders HTTP/1.1\r\nHost: a\r\n\r\n" % method)
            assert got.raw == answer


def test_an_expected_continue_comes_from_the_side(proxy: RunningGateway, old: Side) -> None:
    def script(request: Received) -> None:
        request.answer(request.payload)

    old.script = script
    with proxy.client() as client:
        client.send(b"POST /orders HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        eventually(lambda: old.heads)
        assert b"Expect: 100-continue" in old.heads[0]
        client.send(b"hello")
        assert client.answer().body == b"hello"


def test_interim_answers_pass_before_the_final_one(proxy: RunningGateway, old: Side) -> None:
    def script(request: Received) -> None:
        request.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
        request.answer(b"done")

    old.script = script
    with proxy.client() as client:
        first = client.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (first.status, first.values(b"Link")) == (103, [b"</a>"])
        assert client.answer().status == 100
        assert client.answer().body == b"done"


def test_events_arrive_as_they_are_sent(proxy: RunningGateway, old: Side) -> None:
    said = [b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n"]
    heard: list[bytes] = []

    def script(request: Received) -> bool:
        request.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for event in said:
            request.send(event)
            eventually(partial(heard.__contains__, event))  # nothing is kept back until more comes
        return False

    old.script = script
    with proxy.client() as client:
        client.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        while line := client.reader.readline():
            if line == b"0\r\n":
                break
            if line.startswith(b"data:"):
                heard.append(line + client.reader.readline())

    assert heard == said


def test_a_websocket_becomes_a_tunnel_both_ways(proxy: RunningGateway, old: Side) -> None:
    def script(request: Received) -> bool:
        assert request.values(b"Connection") == [b"Upgrade"]
        request.send(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-A: b\r\n\r\n\x81\x00"
        )
        for _ in range(2):
            request.send(request.connection.recv(100)[::-1])
        rest = request.connection.recv(100)
        assert rest == b""  # the client's end reaches the side
        request.send(b"bye")
        return False

    old.script = script
    with proxy.client() as client:
        answer = client.ask(
            b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"
        )
        assert (answer.status, answer.values(b"Upgrade")) == (101, [b"websocket"])
        assert client.reader.read(2) == b"\x81\x00"
        for word in (b"one", b"\x00\xff two"):
            client.send(word)
            assert client.reader.read(len(word)) == word[::-1]
        client.socket.shutdown(socket.SHUT_WR)
        assert client.reader.read() == b"bye"
    eventually(lambda: proxy.server.path.connections == 0)


def test_an_upgrade_to_anything_else_is_not_passed_on(proxy: RunningGateway, old: Side) -> None:
    with proxy.client() as client:
        headers = (
            b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
        )
        assert client.get(headers=headers).status == 200

    assert not {b"upgrade", b"http2-settings"} & {
        line.partition(b":")[0].lower() for line in old.requests[0].lines
    }


def test_a_client_that_has_said_all_still_gets_its_answer(proxy: RunningGateway, old: Side) -> None:
    def script(request: Received) -> None:
        time.sleep(0.05)
        request.answer(b"late")

    old.script = script
    with proxy.client() as client:
        client.send(b"GET /orders HTTP/1.1\r\nHost: a\r\n\r\n")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.answer().body == b"late"
        assert client.is_closed()


def test_a_client_that_goes_away_ends_the_request_at_the_side(proxy: RunningGateway, old: Side) -> None:
    def script(request: Received) -> bool:
        request.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx")
        if request.connection.recv(1) == b"":
            old.aborted.set()
        return False

    old.script = script
    client = proxy.client()
    client.send(b"GET /orders HTTP/1.1\r\nHost: a\r\n\r\n")
    client.reader.read(10)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.__exit__()

    assert old.aborted.wait(5)


def test_a_client_that_goes_away_in_mid_body_ends_the_request_at_the_side(
    proxy: RunningGateway, old: Side
) -> None:
    client = proxy.client()
    client.send(b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nx")
    eventually(lambda: old.heads)
    client.__exit__()

    assert old.aborted.wait(5)
    assert not old.requests


def test_an_empty_line_before_a_request_is_passed_over(proxy: RunningGateway) -> None:
    with proxy.client() as client:
        assert client.ask(b"\r\nGET /orders HTTP/1.1\r\nHost: a\r\n\r\n").status == 200


def test_a_request_for_an_absolute_target_of_this_host_passes_as_it_came(
    proxy: RunningGateway, old: Side
) -> None:
    with proxy.client() as client:
        assert (
            client.ask(b"GET http://shop.example/orders?a HTTP/1.1\r\nHost: SHOP.example\r\n\r\n").status
            == 200
        )

    assert old.requests[0].first == b"GET http://shop.example/orders?a HTTP/1.1"


def test_an_answer_before_the_end_of_the_request_is_passed_and_ends_the_connection() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        gateway(Elsewhere(f"http://127.0.0.1:{server.getsockname()[1]}")) as running,
        running.client() as client,
    ):
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        connection, _ = server.accept()
        with connection:
            connection.recv(100_000)
            connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
            answer = client.answer()
            assert (answer.status, answer.body) == (413, b"no")
            assert answer.values(b"Connection") == [b"close"]
            assert client.is_closed()


def test_the_host_can_be_rewritten_for_a_side_that_insists(old: Side) -> None:
    address = SideAddress.parse("old", old.url, rewrite_host=True)
    with gateway(old, old=address) as running, running.client() as client:
        client.get()

    assert old.requests[0].values(b"Host") == [f"127.0.0.1:{old.port}".encode()]


def test_ten_clients_at_once_get_their_own_answers(proxy: RunningGateway) -> None:
    clients = [Client(proxy.port) for _ in range(10)]
    for round_ in range(5):
        for number, client in enumerate(clients):
            client.send(b"GET /%d/%d HTTP/1.1\r\nHost: a\r\n\r\n" % (number, round_))
        for number, client in enumerate(clients):
            assert client.answer().body == b"/%d/%d" % (number, round_)
    for client in clients:
        client.__exit__()
