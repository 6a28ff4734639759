"""A gateway and scripted sides, each in a thread of its own, and clients that are plain sockets: bytes in, bytes out."""

import asyncio
import contextlib
import io
import re
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol, Self, TypeVar

import uvloop

from caravan.migration.gateway.access_log import AccessLog
from caravan.migration.gateway.decision import RouteTable
from caravan.migration.gateway.limits import Limits
from caravan.migration.gateway.plan import RoutePlan
from caravan.migration.gateway.server import GatewayOptions, GatewayServer
from caravan.migration.gateway.side_pool import SideAddress
from caravan.migration.gateway.tap import TapSink

Result = TypeVar("Result")

PATIENCE = 40.0
QUICK = Limits(
    head_seconds=30,
    body_seconds=30,
    answer_seconds=30,
    stream_seconds=30,
    idle_seconds=30,
    linger_seconds=1,
    drain_seconds=30,
    connect_seconds=20,
    hold_seconds=30,
)


@dataclass
class Received:
    """A request as it came to a side: its head and body word for word, framing included; the body's payload beside."""

    head: bytes
    body: bytes
    payload: bytes
    connection: socket.socket = field(repr=False)

    @property
    def first(self) -> bytes:
        return self.head.partition(b"\r\n")[0]

    @property
    def lines(self) -> list[bytes]:
        return self.head[:-4].split(b"\r\n")[1:]

    def values(self, name: bytes) -> list[bytes]:
        pairs = (line.partition(b":") for line in self.lines)
        return [value.strip() for found, _, value in pairs if found.lower() == name.lower()]

    def answer(self, body: bytes = b"ok", *, status: str = "200 OK", headers: bytes = b"") -> None:
        self.send(
            b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n%b" % (status.encode(), len(body), headers, body)
        )

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self.connection.sendall(data)


Script = Callable[[Received], "bool | None"]
"""Answers one request; False closes the connection."""


def say_ok(request: Received) -> None:
    request.answer(request.first.split(b" ")[1])


class Side:
    """A server that does what its script says. ``requests`` are all that came whole, ``heads`` those that began."""

    def __init__(self, script: Script = say_ok) -> None:
        self.script = script
        self.requests: list[Received] = []
        self.heads: list[bytes] = []
        self.aborted = threading.Event()
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            reader = connection.makefile("rb")
            while True:
                head = _read_head(reader)
                if not head:
                    return
                self.heads.append(head)
                try:
                    body, payload = _read_body(reader, head)
                except (EOFError, OSError):
                    self.aborted.set()
                    return
                request = Received(head, body, payload, connection)
                self.requests.append(request)
                if self.script(request) is False:
                    return

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _read_head(reader: io.BufferedReader) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = reader.readline()
        if not line:
            return b""
        head += line
    return head


def _read_body(reader: io.BufferedReader, head: bytes) -> tuple[bytes, bytes]:
    if found := re.search(rb"(?i)\r\ncontent-length: *(\d+)", head):
        body = _exactly(reader, int(found[1]))
        return body, body
    if not re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head):
        return b"", b""
    raw, payload = b"", b""
    while True:
        line = reader.readline()
        if not line:
            raise EOFError
        size = int(line.partition(b";")[0], 16)
        raw += line
        if size == 0:
            break
        data = _exactly(reader, size + 2)
        raw += data
        payload += data[:-2]
    while (line := reader.readline()) != b"\r\n":
        if not line:
            raise EOFError
        raw += line
    return raw + b"\r\n", payload


def _exactly(reader: io.BufferedReader, size: int) -> bytes:
    data = reader.read(size)
    if len(data) < size:
        raise EOFError
    return data


class Addressed(Protocol):
    """Whatever has an address."""

    @property
    def url(self) -> str: ...


@dataclass(frozen=True)
class Elsewhere:
    """An address that no script of ours stands behind."""

    url: str


class RunningGateway:
    """A gateway on a uvloop of its own thread. Everything in it is touched through ``call`` only."""

    def __init__(self, options: GatewayOptions, tap: TapSink | None = None) -> None:
        self.log = io.BytesIO()
        self.dropped_before = 0
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        operators = socket.create_server(("127.0.0.1", 0))
        self.port: int = listener.getsockname()[1]
        self.admin_port: int = operators.getsockname()[1]

        async def start() -> GatewayServer:
            server = GatewayServer(options, tap=tap, access_log=AccessLog(options.access_share, self.log))
            await server.start(listener, operators)
            return server

        self.options = options
        self.server = self.run(start())

    def run(self, work: Coroutine[object, object, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def call(self, work: Callable[[], Result]) -> Result:
        async def inside() -> Result:
            return work()

        return self.run(inside())

    def use(self, plan: RoutePlan, *, version: int = 1, epoch: int = 0) -> None:
        """Swap the table."""
        table = RouteTable(plan, version=version, epoch=epoch)
        self.call(lambda: self.server.path.swap(table))

    def client(self) -> "Client":
        return Client(self.port)

    def close(self) -> None:
        self.run(self.server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()


@dataclass
class Answered:
    """An answer as it came."""

    status: int
    head: bytes
    body: bytes
    raw: bytes

    def values(self, name: bytes) -> list[bytes]:
        pairs = (line.partition(b":") for line in self.head.split(b"\r\n")[1:])
        return [value.strip() for found, _, value in pairs if found.lower() == name.lower()]


class Client:
    """A client that sends bytes."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.reader = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, data: bytes) -> Answered:
        self.send(data)
        return self.answer(method=data.split(b" ", 1)[0])

    def get(self, path: str = "/orders", headers: bytes = b"") -> Answered:
        return self.ask(b"GET %b HTTP/1.1\r\nHost: shop.example\r\n%b\r\n" % (path.encode(), headers))

    def post(self, path: str = "/orders", body: bytes = b"hello", headers: bytes = b"") -> Answered:
        head = b"POST %b HTTP/1.1\r\nHost: shop.example\r\nContent-Length: %d\r\n%b\r\n"
        return self.ask(head % (path.encode(), len(body), headers) + body)

    def answer(self, method: bytes = b"GET") -> Answered:
        """Read one answer; raises ``EOFError`` when the connection ends before it does."""
        head = _read_head(self.reader)
        if not head:
            raise EOFError
        status = int(head[9:12])
        if method == b"HEAD" or status in (204, 304) or status < 200:
            return Answered(status, head, b"", head)
        if b"\r\ncontent-length:" in head.lower() or b"\r\ntransfer-encoding:" in head.lower():
            raw, payload = _read_body(self.reader, head)
        else:
            raw = payload = self.reader.read()
        return Answered(status, head, payload, head + raw)

    def is_closed(self) -> bool:
        """Wait for the end of the connection; True when nothing came before it."""
        try:
            return self.reader.read(1) == b""
        except ConnectionError:
            return True


def eventually(check: Callable[[], Result], *, patience: float = PATIENCE) -> Result:
    """Return the first true result of ``check``."""
    deadline = time.monotonic() + patience
    while not (result := check()):
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.005)
    return result


@contextlib.contextmanager
def gateway(
    old: Addressed,
    new: Addressed | None = None,
    /,
    *,
    limits: Limits = QUICK,
    tap: TapSink | None = None,
    **options: object,
) -> Iterator[RunningGateway]:
    """Run a gateway before these sides."""
    known = GatewayOptions(
        SideAddress.parse("old", old.url), SideAddress.parse("new", (new or old).url), limits=limits
    )
    running = RunningGateway(replace(known, **options), tap)  # type: ignore[arg-type]  # fields of GatewayOptions
    try:
        yield running
    finally:
        running.close()


@contextlib.contextmanager
def side(script: Script = say_ok) -> Iterator[Side]:
    """Run a side."""
    running = Side(script)
    try:
        yield running
    finally:
        running.close()
