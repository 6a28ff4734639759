"""State 6 on the wire: members read from the new side, write to the authority, and read their own writes."""

import json
from pathlib import Path

from caravan.migration.gateway.plan import CohortKey, PlannedRoute, PlannedUnit, RoutePlan
from tests.integration.migration.gateway.running import Client, Side, eventually, gateway, side

ROUTES = (
    PlannedRoute(
        template="/orders",
        methods=("GET",),
        effect="read",
        unit="orders",
        key=CohortKey.parse("header:X-User"),
    ),
    PlannedRoute(
        template="/orders",
        methods=("POST",),
        effect="write",
        unit="orders",
        key=CohortKey.parse("header:X-User"),
    ),
)


def plan(lag_seconds: float) -> RoutePlan:
    unit = PlannedUnit(name="orders", state=6, include=("ann", "eve"), lag_seconds=lag_seconds)
    return RoutePlan(units=(unit,), routes=ROUTES)


def reader(client: Client, user: str) -> bytes:
    return client.get("/orders", f"X-User: {user}\r\n".encode()).body


def test_a_member_reads_its_own_write_through_whatever_process(old: Side, tmp_path: Path) -> None:
    recent = tmp_path / "recent"
    old.script = lambda request: request.answer(b"old")
    with (
        side(lambda request: request.answer(b"new")) as new,
        gateway(old, new, recent_file=recent) as one,
        gateway(old, new, recent_file=recent) as other,
        one.client() as writing,
        other.client() as reading,
    ):
        one.use(plan(60))
        other.use(plan(60))
        assert (reader(reading, "ann"), reader(reading, "bob")) == (b"new", b"old")
        assert writing.post("/orders", headers=b"X-User: ann\r\n").body == b"old"
        assert reader(reading, "ann") == b"old"  # the new side may not have it yet
        one.use(plan(0.05))
        assert writing.post("/orders", headers=b"X-User: eve\r\n").body == b"old"
        eventually(lambda: reader(reading, "eve") == b"new")  # the lag is over
        assert reader(reading, "ann") == b"old"


def test_the_log_says_which_side_answered_whom(old: Side, tmp_path: Path) -> None:
    with side() as new, gateway(old, new, recent_file=tmp_path / "recent") as running:
        running.use(plan(0.3))
        with running.client() as client:
            reader(client, "ann")
            reader(client, "bob")
            client.get("/elsewhere?secret=1")
            client.ask(b"GET / HTTP/9.9\r\n\r\n")
        running.call(running.server.path.access_log.flush)
        lines = [json.loads(line) for line in running.log.getvalue().splitlines()]
        counted = running.server.path.counts.unknown

    told = [
        (line["route"], line["side"], line.get("member"), line["status"], line["target"]) for line in lines
    ]
    assert told == [
        ("GET /orders", "new", True, 200, "/orders"),
        ("GET /orders", "old", False, 200, "/orders"),
        ("unknown", "old", None, 200, "/elsewhere"),
    ]
    assert counted in (0, 1)  # handed over to the metrics once a second
    assert all(len(line["request_id"]) == 36 and line["client"] == "127.0.0.1" for line in lines)
