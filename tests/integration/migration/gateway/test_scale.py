"""Much of everything: a gigabyte in little memory, ten thousand idle clients, many requests at once."""

import os
import resource
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Self

import psutil
import pytest

from tests.integration.migration.gateway.running import (
    PATIENCE,
    Client,
    Elsewhere,
    Received,
    RunningGateway,
    Side,
    eventually,
    gateway,
)

LONG = 1_073_741_824
PIECE = b"x" * 65_536
IDLE = 10_000
CROWD = """
import resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
port, number = int(sys.argv[1]), int(sys.argv[2])
crowd = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(number)]
sys.stdin.read()
"""
"""Clients that say nothing, in a process of their own: each end of a connection is an open file."""


class Memory:
    """The most that this process used while it watched."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._before = self._process.memory_info().rss
        self._most = self._before
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._stop.wait(0.005):
            self._most = max(self._most, self._process.memory_info().rss)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def grown(self) -> int:
        return self._most - self._before


def test_a_long_answer_streams_in_little_memory_to_a_client(proxy: RunningGateway, old: Side) -> None:
    def script(request: Received) -> None:
        request.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LONG)
        for _ in range(LONG // len(PIECE)):
            request.send(PIECE)

    old.script = script
    with Memory() as memory, proxy.client() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.reader.readline()
        left = LONG
        buffer = bytearray(1_048_576)
        while left:
            left -= client.reader.readinto1(buffer)

    assert memory.grown < 24_000_000


@pytest.mark.parametrize(("chunked", "size"), [(False, LONG), (True, LONG // 16)])
def test_a_long_request_streams_in_little_memory_to_a_side_that_is_slow(chunked: bool, size: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        bare = Elsewhere(f"http://127.0.0.1:{server.getsockname()[1]}")
        with Memory() as memory, gateway(bare) as running, running.client() as client:
            sending = threading.Thread(target=_send_long, args=(client, chunked, size), daemon=True)
            sending.start()
            connection, _ = server.accept()
            with connection:
                connection.settimeout(PATIENCE)
                got, end = 0, b""
                buffer = bytearray(1_048_576)
                while got < size or (chunked and not end.endswith(b"0\r\n\r\n")):
                    came = connection.recv_into(buffer)
                    got += came
                    end = (end + bytes(buffer[max(0, came - 5) : came]))[-5:]
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                assert client.answer().status == 200
            sending.join(PATIENCE)

    assert got > size
    assert memory.grown < 24_000_000


def _send_long(client: Client, chunked: bool, size: int) -> None:
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\n%b\r\n\r\n" % framing)
    piece = b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if chunked else PIECE
    for _ in range(size // len(PIECE)):
        client.send(piece)
    if chunked:
        client.send(b"0\r\n\r\n")


@pytest.fixture
def many_files() -> Iterator[None]:
    """Room for the gateway's sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLE + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.fail(f"the limit of open files is {hard}; raise it to {wanted} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def quickest_median(proxy: RunningGateway) -> float:
    """Return the seconds of a request: the smallest of ten medians of thirty, so that what else the machine does hardly counts."""
    medians = []
    with proxy.client() as client:
        for _ in range(10):
            took = []
            for _ in range(30):
                began = time.perf_counter()
                assert client.get().status == 200
                took.append(time.perf_counter() - began)
            medians.append(statistics.median(took))
    return min(medians)


def test_idle_clients_cost_little_and_delay_nobody(proxy: RunningGateway, many_files: None) -> None:
    """A gateway that looks at each connection for each request would take several times as long."""
    command = [sys.executable, "-c", CROWD, str(proxy.port), str(IDLE)]
    alone = quickest_median(proxy)
    with Memory() as memory, subprocess.Popen(command, stdin=subprocess.PIPE) as crowd:
        eventually(lambda: proxy.server.path.connections >= IDLE, patience=60)
        beside = quickest_median(proxy)
        crowd.communicate()

    assert memory.grown < IDLE * 12_000
    assert beside < 3 * alone
    eventually(lambda: proxy.server.path.connections == 0, patience=60)


def test_hundreds_of_clients_at_once_each_get_their_own_answers(proxy: RunningGateway, old: Side) -> None:
    old.script = lambda request: request.answer(request.payload)
    clients = [Client(proxy.port) for _ in range(200)]
    bodies = [os.urandom(500) for _ in clients]
    for client, body in zip(clients, bodies, strict=True):
        client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n" + body)
    for client, body in zip(clients, bodies, strict=True):
        assert client.answer().body == body
        client.__exit__()
    assert len(old.requests) == len({request.payload for request in old.requests}) == 200
