"""The rendering of a table for nginx sends the same requests to the same sides as the gateway does."""

import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from caravan.migration.gateway.nginx import NotRenderableError, render_nginx
from caravan.migration.gateway.plan import CohortKey, PlannedRoute, PlannedUnit, RoutePlan, Window
from caravan.migration.gateway.side_pool import SideAddress
from tests.fixtures.capabilities import needs
from tests.integration.migration.gateway.running import (
    Client,
    Received,
    Script,
    Side,
    eventually,
    gateway,
    side,
)

USER = CohortKey(kind="header", name="X-User")
PLAN = RoutePlan(
    units=(
        PlannedUnit(name="shop", state=7),
        PlannedUnit(name="held", state=4, armed=True, held=True),
        PlannedUnit(name="canary", state=6, share=0.5, include=("vip",), exclude=("never",)),
    ),
    routes=(
        PlannedRoute(template="/orders", methods=("GET",), effect="read", unit="shop", fallback=True),
        PlannedRoute(template="/orders/{id}", methods=("GET", "PUT"), effect="write", unit="shop"),
        PlannedRoute(template="/orders/open", effect="read", side="old"),
        PlannedRoute(template="/files/{name:path}", effect="read", side="new"),
        PlannedRoute(template="/held", methods=("GET",), effect="read", unit="held"),
        PlannedRoute(template="/held", methods=("POST",), effect="write", unit="held"),
        PlannedRoute(template="/carts/{id}", methods=("GET",), effect="read", unit="canary", key=USER),
        PlannedRoute(template="/carts/{id}", methods=("POST",), effect="write", unit="canary", key=USER),
    ),
)
REQUESTS = [
    ("GET", "/orders", ""),
    ("GET", "/orders?a=/orders/1", ""),
    ("HEAD", "/orders", ""),
    ("OPTIONS", "/orders", ""),
    ("PATCH", "/orders", ""),
    ("PUT", "/orders/17", ""),
    ("DELETE", "/orders/17", ""),
    ("GET", "/orders/open", ""),
    ("GET", "/orders/", ""),
    ("GET", "//orders", ""),
    ("GET", "/%6Frders", ""),
    ("GET", "/files/a/b/c.txt", ""),
    ("GET", "/held", ""),
    ("GET", "/unknown", ""),
    ("POST", "/unknown", ""),
    ("GET", "/carts/1", "vip"),
    ("POST", "/carts/1", "vip"),
    ("GET", "/carts/1", "never"),
    ("GET", "/carts/1", ""),
]

pytestmark = needs("nginx")


@contextmanager
def nginx(plan: RoutePlan, old: Side, new: Side, folder: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    rendered = render_nginx(
        plan, SideAddress.parse("old", old.url), SideAddress.parse("new", new.url), listen=f"127.0.0.1:{port}"
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; {places}\n{rendered}}}\n"
    )
    command = [shutil.which("nginx") or "nginx", "-e", str(folder / "error.log"), "-c", str(file)]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        eventually(lambda: _listens(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "output").read_text() + (folder / "error.log").read_text()
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def asked(port: int, method: str, target: str, user: str) -> tuple[int, bytes]:
    """Return the status and who answered."""
    with Client(port) as client:
        header = f"X-User: {user}\r\n" if user else ""
        answer = client.ask(f"{method} {target} HTTP/1.1\r\nHost: shop.example\r\n{header}\r\n".encode())
        return answer.status, b"".join(answer.values(b"X-Side"))


def naming(name: bytes) -> Script:
    def script(request: Received) -> None:
        request.answer(
            b"" if request.first.startswith(b"HEAD") else name, headers=b"X-Side: " + name + b"\r\n"
        )

    return script


def test_it_routes_as_the_gateway_does(tmp_path: Path) -> None:
    with side(naming(b"old")) as old, side(naming(b"new")) as new, gateway(old, new) as running:
        running.use(PLAN)
        with nginx(PLAN, old, new, tmp_path) as port:
            by_gateway = {request: asked(running.port, *request) for request in REQUESTS}
            by_nginx = {request: asked(port, *request) for request in REQUESTS}
            target = "/odd/%2F/..//x?y=%C3%A4&&"
            asked(port, "GET", target, "ann")
            assert asked(port, "POST", "/held", "") == (503, b"")
        passed = old.requests[-1]

    assert by_nginx == by_gateway
    assert Counter(who for _, who in by_gateway.values()) == {b"new": 12, b"old": 7}
    assert passed.first == f"GET {target} HTTP/1.1".encode()
    assert passed.values(b"Host") == [b"shop.example"]
    assert len(passed.values(b"X-Request-ID")[0]) >= 32


def test_a_read_falls_back_and_a_canary_keeps_its_members_at_a_greater_share(tmp_path: Path) -> None:
    def broken(request: Received) -> None:
        request.answer(b"no", status="503 Broken")

    users = [f"user-{number}" for number in range(60)]
    with side(naming(b"old")) as old, side(naming(b"new")) as new:
        members = []
        for share in (0.2, 0.6):
            unit = replace_share(PLAN, share)
            folder = tmp_path / str(share)
            folder.mkdir()
            with nginx(unit, old, new, folder) as port:
                members.append({user for user in users if asked(port, "GET", "/carts/1", user)[1] == b"new"})
                if share == 0.6:
                    new.script = broken
                    assert asked(port, "GET", "/orders", "") == (200, b"old")
                    assert asked(port, "PUT", "/orders/1", "")[0] == 503

    assert members[0] < members[1]
    assert 3 <= len(members[0]) <= 25
    assert 22 <= len(members[1]) <= 50


def replace_share(plan: RoutePlan, share: float) -> RoutePlan:
    unit = plan.unit("canary")
    assert unit is not None
    return plan.with_unit(unit.model_copy(update={"share": share}))


def test_what_nginx_cannot_do_is_said() -> None:
    address = SideAddress.parse("old", "http://127.0.0.1:1")
    unit = PlannedUnit(name="canary", state=6, window=Window())
    route = PlannedRoute(template="/", effect="read", unit="canary", key=USER)
    with pytest.raises(NotRenderableError, match="time window"):
        render_nginx(RoutePlan(units=(unit,), routes=(route,)), address, address, listen="80")
