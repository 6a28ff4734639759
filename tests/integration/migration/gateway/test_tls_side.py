"""A side behind TLS: its certificate is checked against its name, and requests pass as over plain lines."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from caravan.migration.gateway.server import GatewayOptions
from caravan.migration.gateway.side_pool import SideAddress
from tests.integration.migration.gateway.certificates import certificate
from tests.integration.migration.gateway.running import QUICK, RunningGateway


@contextmanager
def tls_side(file: Path) -> Iterator[int]:
    """Serve one answer per connection over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as line:
                while b"\r\n\r\n" in line.recv(65536):
                    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


@pytest.mark.parametrize(("name", "status"), [("localhost", 200), ("elsewhere.example", 502)])
def test_only_the_named_side_is_spoken_to(tmp_path: Path, name: str, status: int) -> None:
    file = certificate(tmp_path, name)
    trusted = ssl.create_default_context(cafile=str(file))
    with tls_side(file) as port:
        address = SideAddress("old", "localhost", port, trusted)
        running = RunningGateway(GatewayOptions(address, address, limits=QUICK))
        try:
            with running.client() as client:
                answers = [client.get() for _ in range(2 if status == 200 else 1)]
        finally:
            running.close()

    assert [answer.status for answer in answers] == [status] * len(answers)
    assert all(answer.body == b"secret" for answer in answers if status == 200)
