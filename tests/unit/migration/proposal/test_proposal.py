"""A proposal names what traffic showed and what the old side tells of itself, and is a file that can be read."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from caravan.migration.config import read_config_text
from caravan.migration.proposal import (
    NothingToProposeError,
    Proposal,
    ProposedRoute,
    host_of,
    merged,
    proposal_text,
    routes_of_har,
    routes_of_side,
)

OPENAPI = {
    "openapi": "3.0.0",
    "paths": {
        "/orders/{id}": {"get": {}, "delete": {}, "parameters": []},
        "/health": {"get": {}},
        "x-other": {},
    },
}


def entry(method: str, path: str, status: int, **headers: str) -> dict[str, Any]:
    listed = [{"name": name.replace("_", "-"), "value": value} for name, value in headers.items()]
    return {
        "startedDateTime": "2026-01-01T10:00:00Z",
        "time": 5,
        "request": {"method": method, "url": f"http://old.example:3000{path}", "headers": listed},
        "response": {
            "status": status,
            "headers": [{"name": "Content-Type", "value": "application/json"}],
            "content": {"text": json.dumps({"id": 1, "name": "x"})},
        },
    }


def har(folder: Path, *entries: dict[str, Any]) -> Path:
    file = folder / "traffic.har"
    file.write_text(json.dumps({"log": {"entries": list(entries)}}))
    return file


class Old(BaseHTTPRequestHandler):
    """An old side that serves its document where Swagger does."""

    def do_GET(self) -> None:
        found = self.path == "/v3/api-docs"
        body = json.dumps(OPENAPI).encode() if found else b"{}"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def old_side() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Old)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_traffic_gives_templates_effects_and_a_key(tmp_path: Path) -> None:
    file = har(
        tmp_path,
        *(entry("GET", f"/orders/{number}", 200, authorization="Bearer x") for number in range(1, 9)),
        entry("POST", "/orders", 201, authorization="Bearer x"),
        entry("GET", "/jobs", 201),
    )
    routes = {
        (route.template, route.methods): route for route in routes_of_har([file], host="old.example:3000")
    }
    assert {place: route.effect for place, route in routes.items()} == {
        ("/orders/{order_id}", ("GET",)): "read",
        ("/orders", ("POST",)): "write",
        ("/jobs", ("GET",)): "write",
    }
    assert {route.key for route in routes.values()} == {"header:Authorization"}


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"cookie": "theme=dark; connect.sid=s%3A1"}, "cookie:connect.sid"),
        ({"cookie": "theme=dark"}, "address"),
    ],
)
def test_without_a_token_a_session_or_the_address_tells_clients_apart(
    tmp_path: Path, headers: dict[str, str], key: str
) -> None:
    file = har(tmp_path, entry("GET", "/orders", 200, **headers))
    assert [route.key for route in routes_of_har([file], host=None)] == [key]


def test_traffic_of_others_alone_is_told(tmp_path: Path) -> None:
    file = har(tmp_path, entry("GET", "/orders", 200))
    with pytest.raises(NothingToProposeError, match=r"No exchange with 127.0.0.1:1 .*1 times: another host"):
        routes_of_har([file], host="127.0.0.1:1")


def test_a_running_side_tells_its_routes_and_none_of_them_was_seen(old_side: str) -> None:
    assert [(route.template, route.methods, route.effect) for route in routes_of_side(old_side)] == [
        ("/health", ("GET",), "write"),
        ("/orders/{id}", ("DELETE", "GET"), "write"),
    ]


def test_a_side_that_does_not_answer_tells_nothing() -> None:
    assert routes_of_side("http://127.0.0.1:9") == []


def test_what_was_seen_goes_before_what_was_told() -> None:
    seen = [ProposedRoute("/orders/{order_id}", ("GET",), "read", "seen")]
    told = [ProposedRoute("/orders/{id}", ("DELETE", "GET"), "write", "told")]
    assert [(route.methods, route.effect) for route in merged(seen, told)] == [
        (("DELETE",), "write"),
        (("GET",), "read"),
    ]


def test_the_text_is_a_file_that_says_the_same() -> None:
    routes = [
        ProposedRoute('/a"b/{id}', ("GET", "POST"), "read", "seen", "cookie:sid"),
        ProposedRoute("/ü", ("GET",), "write", "told"),
    ]
    proposal = Proposal('na"me', "demo", "http://127.0.0.1:3000", "http://127.0.0.1:8000", routes)
    config = read_config_text(Path("migration.toml"), proposal_text(proposal))
    assert config.migration.name == 'na"me'
    assert config.legacy is not None
    assert [(route.template, route.methods, route.effect, route.key) for route in config.routes] == [
        ('/a"b/{id}', ("GET", "POST"), "read", "cookie:sid"),
        ("/ü", ("GET",), "write", "address"),
    ]
    assert {route.unit for route in config.routes} == {unit.name for unit in config.units} == {"all"}


def test_the_host_of_a_url_is_as_archives_write_it() -> None:
    assert host_of("http://user:pw@old.example:3000/base") == "old.example:3000"
