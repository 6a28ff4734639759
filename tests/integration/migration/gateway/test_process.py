"""`caravan gateway` as it is run: two processes on one port, reload, drain, TLS, the operators' port, publishing."""

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from cryptography import x509
from cryptography.x509.oid import NameOID

from caravan.core.database import DatabaseAddress, Role
from tests.integration.migration.gateway.certificates import certificate
from tests.integration.migration.gateway.running import Client, Received, Side, eventually, side
from tools.free_ports import free_port

FILE = """
[migration]
name = "shop"
org = "demo"
[legacy]
base_url = "{old}"
[new]
base_url = "{new}"
[gateway]
listen = "127.0.0.1:{port}"
{more}
[[units]]
name = "orders"
[[routes]]
template = "/orders"
methods = ["GET", "POST"]
effect = "write"
unit = "orders"
key = "header:X-User"
"""


class Command:
    """`caravan gateway` with its environment."""

    def __init__(self, folder: Path, database: str, old: Side, new: Side, *, more: str = "") -> None:
        self.file = folder / "migration.toml"
        self.more = more
        self.folder = folder
        self.port, self.admin_port = free_port(), free_port()
        self.write(old, new)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CARAVAN_GATEWAY")},
            "DATABASE_URL": database,
            "CARAVAN_HOME": str(folder),
            "CARAVAN_GATEWAY_ADMIN_PORT": str(self.admin_port),
        }

    def write(self, old: Side, new: Side) -> None:
        self.file.write_text(FILE.format(old=old.url, new=new.url, port=self.port, more=self.more))

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "caravan.entry.cli", "gateway", *arguments]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )

    @contextmanager
    def run(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "caravan.entry.cli", "gateway", str(self.file), *options],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        try:
            eventually(lambda: self.is_ready() or process.poll() is not None, patience=60)
            assert process.poll() is None, self.log()
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(40)

    def is_ready(self) -> bool:
        return self.admin("/readyz")[0] == 200

    def admin(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def log(self) -> str:
        return (self.folder / "log").read_text()


def test_two_processes_serve_follow_and_end_without_losing_a_request(
    own_database: DatabaseAddress, tmp_path: Path
) -> None:
    with side() as old, side() as new:
        command = Command(tmp_path, own_database.url, old, new)
        published = command.call("publish", str(command.file), "--by", "ann")
        assert published.stdout == "published version 1\n", published.stderr
        with command.run("--processes", "2") as process:
            eventually(lambda: _processes(own_database) == 2, patience=40)
            shown = json.loads(command.call("show", str(command.file)).stdout)
            assert (shown["version"], shown["by"], len(shown["processes"])) == (1, "ann", 2)
            clients = [Client(command.port) for _ in range(8)]
            assert all(client.get().body == b"/orders" for client in clients)
            assert command.admin("/livez")[0] == 200
            metrics = eventually(lambda: _counted(command, 8))
            assert "caravan_gateway_table_version 1.0" in metrics

            def slow(request: Received) -> None:
                time.sleep(0.5)
                request.answer(b"late")

            old.script = slow
            for client in clients:
                client.send(b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
            eventually(lambda: len([one for one in old.requests if one.payload]) == 8)
            process.send_signal(signal.SIGTERM)
            for client in clients:
                answer = client.answer()
                assert (answer.body, answer.values(b"Connection")) in (
                    (b"late", [b"close"]),
                    (b"late", []),
                )
                assert client.is_closed()
                client.__exit__()
            assert process.wait(40) == 0
        assert _processes(own_database) == 0
        requests = [json.loads(line) for line in command.log().splitlines() if '"gateway.request"' in line]
        assert len(requests) == 16
        assert {one["route"] for one in requests} == {"GET /orders", "POST /orders"}


def _processes(database: DatabaseAddress) -> int:
    with psycopg.connect(database.libpq(Role.SYSTEM)) as connection:
        row = connection.execute("SELECT count(*) FROM engine.gateway_processes").fetchone()
    assert row is not None
    return int(row[0])


def _counted(command: Command, wanted: int) -> str:
    text = command.admin("/metrics")[1]
    lines = [line for line in text.splitlines() if line.startswith("caravan_gateway_requests_total{")]
    return text if sum(float(line.rpartition(" ")[2]) for line in lines) >= wanted else ""


def seen(port: int) -> str:
    """Return the name in the certificate that the gateway shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
        context.wrap_socket(plain) as wrapped,
    ):
        wrapped.sendall(b"GET /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        text = b""
        with contextlib.suppress(ssl.SSLEOFError):
            while piece := wrapped.recv(4096):
                text += piece
        assert text.endswith(b"/orders"), text
        shown = wrapped.getpeercert(binary_form=True)
    assert shown is not None
    found = x509.load_der_x509_certificate(shown).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value)


def test_reload_takes_a_new_certificate_and_new_addresses_and_refuses_nonsense(tmp_path: Path) -> None:
    chain = certificate(tmp_path, "first")
    with side() as old, side() as new:
        command = Command(
            tmp_path,
            "postgresql://nobody@127.0.0.1:1/none",
            old,
            old,
            more='tls_certificate = "both.pem"',
        )
        command.is_ready = lambda: "table" in command.admin("/status")[1]  # type: ignore[method-assign]
        with command.run() as process:
            assert command.admin("/readyz")[0] == 503  # it serves, and says that nobody keeps its table
            assert seen(command.port) == "first"
            assert old.requests[0].values(b"X-Forwarded-Proto") == [b"https"]
            certificate(tmp_path, "second")
            command.write(new, new)
            process.send_signal(signal.SIGHUP)
            eventually(lambda: "gateway.reloaded" in command.log())
            assert seen(command.port) == "second"
            assert len(new.requests) == 1
            chain.write_text("nonsense")
            process.send_signal(signal.SIGHUP)
            eventually(lambda: "gateway.reload_refused" in command.log())
            assert seen(command.port) == "second"
