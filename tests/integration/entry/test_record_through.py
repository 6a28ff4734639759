"""`caravan record through`: a gateway that only records, as it is run; what passes is whole, what is kept holds no secret."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2
import pytest

from caravan.migration.recording import Recording, is_placeholder
from tests.integration.migration.gateway.running import Received, Side, eventually, side
from tools.free_ports import free_port

TOKEN: Final = "planted-token-5f1c"
PASSWORD: Final = "planted-password-77"
SESSION: Final = "planted-session-0a9b"
TENANT: Final = "planted-tenant-acme"
SECRETS: Final = (TOKEN, PASSWORD, SESSION, TENANT)
CREATED: Final = {"id": 7, "session_token": SESSION, "total": "12.50"}


def shop(request: Received) -> None:
    if request.first.startswith(b"POST"):
        body = json.dumps(CREATED).encode()
        cookie = b"Set-Cookie: sid=%b; Path=/; HttpOnly\r\n" % SESSION.encode()
        request.answer(body, status="201 Created", headers=b"Content-Type: application/json\r\n" + cookie)
    else:
        request.answer(
            b'[{"id": 7, "total": 1.0}]', headers=b"Content-Type: application/json\r\nX-Side: old\r\n"
        )


@pytest.fixture
def old() -> Iterator[Side]:
    with side(shop) as running:
        yield running


@dataclass
class Through:
    """The command while it runs; ``told`` is what it printed, once it has ended."""

    url: str
    home: Path
    process: "subprocess.Popen[str]"
    told: str = ""

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.told, _ = self.process.communicate(timeout=60)
        return self.process.returncode


@contextmanager
def recording_through(
    url: str, home: Path, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[Through]:
    port = free_port()
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("CARAVAN_") and name not in {"DATABASE_URL", "REDIS_URL", "BROKER_URL"}
    }
    command = [sys.executable, "-m", "caravan.entry.cli", "record", "through", url, "--port", str(port)]
    process = subprocess.Popen(
        [*command, *options],
        env={**kept, "CARAVAN_HOME": str(home), **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running = Through(f"http://127.0.0.1:{port}", home, process)
    try:
        eventually(lambda: process.poll() is not None or _listens(running.url), patience=60)
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)


def _listens(url: str) -> bool:
    try:
        httpx2.request("OPTIONS", f"{url}/is-it-there", trust_env=False, timeout=20)
    except httpx2.TransportError:
        return False
    return True


def test_what_passes_is_whole_and_what_is_kept_holds_no_secret(old: Side, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with recording_through(old.url, home, "--into", "shop", "--redact", "header:X-Tenant") as through:
        with httpx2.Client(base_url=through.url, trust_env=False, timeout=20) as client:
            listed = client.get(
                f"/orders?page=2&api_key={TOKEN}",
                headers={"Authorization": f"Bearer {TOKEN}", "X-Tenant": TENANT},
            )
            pieces = iter([b'{"user": "ann", ', b'"password": "%b"}' % PASSWORD.encode()])
            made = client.post("/orders", content=pieces, headers={"Content-Type": "application/json"})
        assert through.end() == 0, through.told

    assert (listed.status_code, listed.content) == (200, b'[{"id": 7, "total": 1.0}]')
    assert listed.headers["x-side"] == "old"
    assert (made.status_code, made.json()) == (201, CREATED)
    assert made.cookies["sid"] == SESSION
    asked, posted = old.requests[-2:]
    assert asked.first == f"GET /orders?page=2&api_key={TOKEN} HTTP/1.1".encode()
    assert asked.values(b"Authorization") == [b"Bearer " + TOKEN.encode()]
    assert posted.payload == b'{"user": "ann", "password": "%b"}' % PASSWORD.encode()

    recording = Recording(home / "recordings" / "shop")
    *_, first, second = recording.read()
    assert (first.request.method, first.request.path, first.answer.status) == ("GET", "/orders", 200)
    assert first.answer.body.content == b'[{"id": 7, "total": 1.0}]'
    assert "page=2" in first.request.query
    assert (second.request.method, second.answer.status) == ("POST", 201)
    assert second.request.body.content is not None
    assert second.answer.body.content is not None
    sent, got = json.loads(second.request.body.content), json.loads(second.answer.body.content)
    assert sent["user"] == "ann"
    assert (got["id"], got["total"]) == (7, "12.50")
    tenant = dict(first.request.headers)["X-Tenant"]
    marked = first.request.query, tenant, sent["password"], got["session_token"]
    assert all(map(is_placeholder, marked)), marked
    text = repr(list(recording.read()))
    assert [secret for secret in SECRETS if secret in text] == []
    seen = recording.summary().exchanges
    assert f"{seen} seen, {seen} recorded, 0 dropped, 0 failed" in through.told
    assert [one for one in home.iterdir() if one.name != "recordings"] == [], "it needs no database"


def test_a_side_that_is_silent_is_recorded_as_an_answer_that_never_came(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with recording_through(f"http://127.0.0.1:{free_port()}", home, "--into", "shop") as through:
        answer = httpx2.get(f"{through.url}/orders", trust_env=False, timeout=20)
        assert through.end(signal.SIGINT) == 0, through.told
    assert answer.status_code == 502
    *_, kept = Recording(home / "recordings" / "shop").read()
    assert (kept.request.path, kept.answer.status) == ("/orders", 0)
    assert kept.answer.failure


def test_it_ends_by_itself_after_the_seconds_it_was_given(old: Side, tmp_path: Path) -> None:
    with recording_through(old.url, tmp_path / "home", "--into", "shop", "--seconds", "1") as through:
        assert through.process.wait(60) == 0
