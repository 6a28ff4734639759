"""Our own service is asked directly, by a name it listens to, whatever the environment says of proxies."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from caravan.core.settings import Settings
from caravan.entry.answers import ask_readiness


class Answering(BaseHTTPRequestHandler):
    code: ClassVar[int] = 200
    text: ClassVar[bytes] = b'{"checks": {"database": {"status": "ok", "detail": ""}}}'
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Host"]))
        self.send_response(self.code)
        self.end_headers()
        self.wfile.write(self.text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    Answering.asked = []
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def settings(port: int, **more: object) -> Settings:
    return Settings(_env_file=None, home=Path("unused"), port=port, **more)


CHECKS = {"database": {"status": "ok", "detail": ""}}


@pytest.mark.parametrize("code", [200, 503])
def test_the_answer_is_whether_it_is_ready_and_why(
    port: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answering, "code", code)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert ask_readiness(settings(port)) == (code == 200, CHECKS)
    assert Answering.asked == [("/readyz", "localhost")]


@pytest.mark.parametrize(
    ("trusted", "name"), [("api.example.com,*.example.com", "api.example.com"), ("*", "localhost")]
)
def test_it_is_called_by_a_name_it_listens_to(port: int, trusted: str, name: str) -> None:
    ask_readiness(settings(port, trusted_hosts=trusted))
    assert Answering.asked == [("/readyz", name)]


def test_a_service_on_every_address_is_asked_on_this_machine(port: int) -> None:
    assert ask_readiness(settings(port, host="0.0.0.0")) == (True, CHECKS)  # noqa: S104 - nothing is bound


@pytest.mark.parametrize("text", [b"<html>", b"[]", b"{}", b'{"checks": 3}'])
def test_somebody_else_is_not_taken_for_ours(port: int, text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answering, "text", text)
    assert ask_readiness(settings(port)) is None


def test_nobody_there_is_nothing() -> None:
    assert ask_readiness(settings(1), patience=0.5) is None
