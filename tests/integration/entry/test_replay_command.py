"""`caravan migration init --recording` and `caravan migration replay`: from recorded traffic to an open gate."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from tests.integration.entry.conftest import Caravan
from tests.integration.entry.test_migration_commands import everything


@dataclass
class Shop:
    """A side with orders; ``off`` is added to what an order costs, ``more`` to what is told. It answers 401 without a token."""

    off: int = 0
    more: dict[str, Any] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> tuple[int, dict[str, Any]]:
        self.requests.append((handler.command, handler.path))
        if handler.headers["Authorization"] != "Bearer right":
            return 401, {"error": "who are you?"}
        number = int(handler.path.rpartition("/")[2] or 0) if handler.command == "GET" else 0
        return 200, {"id": number, "cents": 100 * number + self.off} | self.more


@pytest.fixture
def sides() -> Iterator[tuple[Shop, Shop]]:
    shops, servers = (Shop(), Shop()), []
    for shop in shops:

        class Handler(BaseHTTPRequestHandler):
            mine = shop

            def do_GET(self) -> None:
                status, document = self.mine.answer(self)
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - the base class names it

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        shop.url = f"http://127.0.0.1:{server.server_port}"
        servers.append(server)
    yield shops
    for server in servers:
        server.shutdown()
        server.server_close()


def entry(method: str, path: str, status: int = 200) -> dict[str, Any]:
    return {
        "startedDateTime": "2026-01-01T10:00:00Z",
        "time": 5,
        "request": {
            "method": method,
            "url": f"http://old.example{path}",
            "headers": [{"name": "Authorization", "value": "Bearer right"}],
            **({"postData": {"mimeType": "application/json", "text": "{}"}} if method == "POST" else {}),
        },
        "response": {
            "status": status,
            "headers": [{"name": "Content-Type", "value": "application/json"}],
            "content": {"text": json.dumps({"id": 1, "cents": 100})},
        },
    }


@pytest.fixture
def file(caravan: Caravan, tmp_path: Path, sides: tuple[Shop, Shop]) -> Path:
    """A migration file made of a recording, ``shop``."""
    traffic = [entry("GET", f"/orders/{number}") for number in range(1, 31)]
    archive = tmp_path / "traffic.har"
    archive.write_text(json.dumps({"log": {"entries": [*traffic, entry("POST", "/orders", 201)]}}))
    assert caravan("record", "import", archive, "--into", "shop").code == 0
    written = tmp_path / "migration.toml"
    more = ("--legacy", sides[0].url, "--new", sides[1].url, "--name", "shop")
    done = caravan("migration", "init", written, "--recording", "shop", *more)
    assert (done.code, "2 routes, 1 of them proposed as write" in done.out) == (0, True), done.err
    assert 'key = "header:Authorization"' in written.read_text()
    return written


def test_a_replay_finds_what_differs_and_opens_the_gate_when_nothing_does(
    caravan: Caravan, file: Path, sides: tuple[Shop, Shop], own_database: DatabaseAddress
) -> None:
    old, new = sides
    token = ("--header", "Authorization: Bearer right")
    new.off = 1
    told = caravan("migration", "replay", file, "shop", *token, "--tell")
    assert told.code == 1
    assert "DIFFERS number changed by +1 (value): $.cents of GET /orders/{order_id}" in told.out
    assert "30 judged, 1 difference; left out: 1 x writes" in told.out
    assert everything(own_database) == [[]] * 6
    assert "POST" not in {method for method, _ in old.requests + new.requests}

    assert caravan("migration", "replay", file, "shop", *token).code == 1
    (unit,) = json.loads(caravan("migration", "plan", file, "--json").out)
    assert unit["at"] == "discovered"
    new.off = 0
    done = caravan("migration", "replay", file, "shop", *token, "--json")
    report = json.loads(done.out)
    assert (done.code, report["differences"], report["without_redacted_headers"]) == (0, [], 0)
    assert report["units"]["all"] | {"judged": 30, "mismatched": 0, "reported": 0} == report["units"]["all"]
    phases = [json.loads(line) for line in caravan("migration", "journal", file, "--json").out.splitlines()]
    assert [(each["phase"], each["facts"]["figures"]["mismatched"]) for each in phases] == [
        ("measured", 30),
        ("measured", 0),
    ]


def test_a_found_difference_is_accepted_and_opens_the_gate(
    caravan: Caravan, file: Path, sides: tuple[Shop, Shop]
) -> None:
    sides[1].more = {"checks": {"stock": "ok"}}
    accepting = ("migration", "accept", file, "GET /orders/{order_id}", "$.checks", "--kind", "extra")
    words = ("--owner", "ann", "--reason", "New tells more.")
    last = ("--until", f"{utc_now().date() + timedelta(days=30)}")
    early = caravan(*accepting, *words, *last)
    assert (early.code, "was not found" in early.err) == (2, True), early.err
    replay = ("migration", "replay", file, "shop", "--header", "Authorization: Bearer right")
    assert caravan(*replay).code == 1
    done = caravan(*accepting, *words, *last, "--by", "ann")
    assert (done.code, done.out) == (0, "GET /orders/{order_id}: $.checks (extra): accept: done\n"), done.err
    assert caravan(*replay).code == 0
    assert "accepted" in caravan("migration", "journal", file).out


def test_what_was_redacted_is_not_sent_and_that_is_said(
    caravan: Caravan, file: Path, sides: tuple[Shop, Shop]
) -> None:
    done = caravan("migration", "replay", file, "shop", "--tell", "--most", "5")
    assert (done.code, "5 judged, 0 differences" in done.out) == (0, True)
    assert "5 requests went without headers that were redacted" in done.err


def test_nothing_judged_is_no_success(caravan: Caravan, file: Path, sides: tuple[Shop, Shop]) -> None:
    done = caravan("migration", "replay", file, "shop", "--tell", "--old", "http://127.0.0.1:9")
    assert (done.code, "0 judged" in done.out) == (2, True), done.out
    unknown = caravan("migration", "replay", file, "nothing", "--tell")
    assert (unknown.code, "no recording is here" in unknown.err) == (2, True)
    file.write_text(file.read_text().partition("[new]")[0])
    sideless = caravan("migration", "replay", file, "shop", "--tell")
    assert (sideless.code, "names no [new] base_url" in sideless.err) == (2, True)
