"""A small server of whatever answers a test wants, and a contract learnt from what it answers."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs

import orjson
import pytest

from caravan.migration.contract import learn, write_contract, write_evidence
from caravan.migration.exchange import Body, Exchange, Request
from tests.unit.migration.contract.traffic import asked

Answers: TypeAlias = Callable[[str, str, bytes], tuple[int, Any]]


@contextmanager
def _serving(answers: Answers) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, value = answers(self.command, self.path, body)
            content = value if isinstance(value, bytes) else orjson.dumps(value)
            self.send_response_only(status)
            self.send_header("Content-Type", "text/html" if isinstance(value, bytes) else "application/json")
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the base class looks for these names

        def log_message(self, *_: object) -> None:
            """Be silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def shop_answers(method: str, target: str, body: bytes) -> tuple[int, Any]:
    """Items by number, a list with a limit, one route that writes."""
    path, _, query = target.partition("?")
    if method == "POST":
        return 201, {"id": 99, **orjson.loads(body)}
    if path == "/items":
        limit = parse_qs(query).get("limit", ["2"])[0]
        if not limit.isdigit():
            return 422, {"error": "limit"}
        return 200, {"items": [{"id": n, "kind": "a" if n % 2 else "b"} for n in range(min(int(limit), 50))]}
    number = path.removeprefix("/items/")
    if number.isdigit() and number.isascii() and 0 < int(number) < 50:
        return 200, {"id": int(number), "price": "1.50", "note": None if number == "7" else "x y"}
    return 404, {"error": "no such item"}


@pytest.fixture
def serving() -> Callable[[Answers], Any]:
    """A context that serves some answers and gives the base URL."""
    return _serving


@pytest.fixture
def contract_file(tmp_path: Path) -> Path:
    """What was learnt of ``shop_answers``, with its evidence."""
    targets = [*(f"/items/{n}" for n in range(1, 13)), "/items/77", *(f"/items?limit={n}" for n in range(20))]
    exchanges = [_exchange("GET", target) for target in [*targets, "/items?limit=many"]]
    exchanges.append(_exchange("POST", "/items", b'{"name":"x"}'))
    learnt = learn(exchanges, name="shop")
    file = tmp_path / "shop.toml"
    write_contract(file, learnt.contract)
    write_evidence(tmp_path / "shop.evidence.json", learnt, learnt.contract)
    return file


def _exchange(method: str, target: str, body: bytes = b"") -> Exchange:
    status, value = shop_answers(method, target, body)
    whole = asked(target, value, method=method, status=status, more=(("Cache-Control", "no-store"),))
    request = Request(method, target, (("Content-Type", "application/json"),) if body else (), Body.of(body))
    return Exchange(whole.id, whole.at, request, whole.answer, whole.client)


@pytest.fixture
def answers() -> Answers:
    return shop_answers
