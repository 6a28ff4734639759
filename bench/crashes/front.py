"""What stands before the stores in a cutover: a real gateway process, the two sides behind it, and clients that write through it."""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any, Final

from bench.crashes.pair import Pair
from bench.crashes.stores import REFUSED, Store

__all__ = ["Clients", "ServedSide", "gateway_before", "reserved_port", "served"]

_PATIENCE: Final = 80.0
_PAUSE: Final = 0.08
_ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass
class ServedSide:
    """An application over one store. ``taken`` are the codes it has committed."""

    store: Store | None = None
    taken: Counter[str] = field(default_factory=Counter)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self, order: dict[str, Any]) -> bool:
        """Write an order in a transaction of its own; False when the store refuses it."""
        store = self.store
        assert store is not None
        try:
            with store.connected() as connection:
                store.execute(connection, "BEGIN IMMEDIATE" if store.kind == "sqlite" else "BEGIN")
                found = store.execute(
                    connection,
                    f"SELECT id FROM {store.customers} WHERE {store.where} ORDER BY code",  # noqa: S608 - a table's name
                )
                values = {
                    "customer_id": found[order["number"] % len(found)][0],
                    "code": order["code"],
                    "total": order["total"],
                    "paid": store.flag(paid=False),
                }
                store.insert(connection, store.orders, **values)
                store.execute(connection, "COMMIT")
        except REFUSED:
            return False
        self.taken[order["code"]] += 1
        return True


@contextmanager
def served() -> Iterator[ServedSide]:
    """Serve a side in threads of this process; its store is set before anybody asks."""
    side = ServedSide()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(201 if side.take(json.loads(body)) else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing: a gateway that ends leaves its connections."""

    server = Server(("127.0.0.1", 0), Handler)
    side.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield side
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def reserved_port() -> int:
    """Return a port below those that the system gives to connections, free right now."""
    chance = Random()
    while True:
        port = chance.randint(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextmanager
def gateway_before(pair: Pair, port: int) -> Iterator[None]:
    """Run the gateway's own process at that port until the block ends."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CARAVAN_")},
        "DATABASE_URL": pair.database.url,
        "CARAVAN_HOME": str(pair.home),
        "CARAVAN_GATEWAY_ADMIN_PORT": str(reserved_port()),
        "CARAVAN_GATEWAY_ACCESS_LOG": "0",
        "PYTHONPATH": str(_ROOT),
    }
    with ExitStack() as stack:
        log = stack.enter_context((pair.file.parent / "gateway.log").open("ab"))
        process = subprocess.Popen(
            [sys.executable, "-m", "caravan.entry.gateway", str(pair.file), "127.0.0.1", str(port)],
            env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        stack.callback(_end, process)
        deadline = time.monotonic() + _PATIENCE
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((pair.file.parent / "gateway.log").read_text()[-2000:])
            time.sleep(0.05)
        yield


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Clients:
    """People before the gateway. ``acknowledged`` are the codes they were told are written."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._made = 0
        self._lock = threading.Lock()
        self.acknowledged: set[str] = set()
        self.strange: Counter[str] = Counter()

    @contextmanager
    def busy(self, seed: int, count: int = 2) -> Iterator[None]:
        """Have so many write while the block runs; each ends with the write it is at."""
        stop = threading.Event()
        threads = [
            threading.Thread(target=self._work, args=(stop, Random(seed * 31 + number)), daemon=True)
            for number in range(count)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(_PATIENCE)
            assert not any(thread.is_alive() for thread in threads), "a client waits for ever"

    def write(self, chance: Random) -> str:
        """Write one order and return its code once it is acknowledged; what is refused is sent again."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE)
        try:
            return self._write(connection, chance, threading.Event())
        finally:
            connection.close()

    def _work(self, stop: threading.Event, chance: Random) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE)
        try:
            while not stop.wait(_PAUSE * chance.random() * 2):
                self._write(connection, chance, stop)
        finally:
            connection.close()

    def _write(self, connection: http.client.HTTPConnection, chance: Random, stop: threading.Event) -> str:
        with self._lock:
            self._made += 1
            code = f"G-{self._port}-{self._made}"
        body = json.dumps(
            {"code": code, "number": chance.randrange(1_000), "total": f"{chance.randint(1, 9999) / 100:.2f}"}
        )
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                connection.request("POST", "/orders", body, {"X-Client": str(chance.randrange(50))})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                # Nobody was told anything: it may be written or not, but not twice.
                self.strange[type(error).__name__] += 1
                connection.close()
                return code
            if answer.status == 201:
                self.acknowledged.add(code)
                return code
            if answer.status != 503:
                self.strange[str(answer.status)] += 1
                return code
            if stop.is_set() or time.monotonic() > deadline:
                return code
            time.sleep(_PAUSE)
