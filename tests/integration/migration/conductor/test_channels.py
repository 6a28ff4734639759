"""What comes to the conductor beside the tap, and what leaves it: counters, dry runs, alarms by e-mail, a recording."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.conductor import Conductor, ConductorOptions
from caravan.migration.cutover import units_of_uses
from caravan.migration.cutover.observing.table_uses import stored_uses
from caravan.migration.gateway.tap_socket import TapReader, TapTakenError
from caravan.migration.recording import Recorder, Recording, RedactingWriter
from caravan.migration.shadow import DryRunKey
from tests.integration.migration.conductor.conducting import ORDERS, Running, Shop, copy, saying, shop
from tests.integration.migration.conductor.test_conducting import judged
from tests.integration.migration.gateway.running import Received, Side, eventually, side

KEY = DryRunKey("k1", b"a secret of the engine")
ASKED = (
    "INSERT INTO engine.operator_requests (org_id, id, migration, unit, action, wish, state, by, asked_at)"
    " VALUES (%(org)s, %(id)s, %(migration)s, 'orders', 'paid', '{}', 'done', 'x', now())"
)


@pytest.fixture
def old() -> Iterator[Side]:
    with side(saying(ORDERS)) as running:
        yield running


@pytest.fixture
def new() -> Iterator[Side]:
    with side(saying(ORDERS)) as running:
        yield running


@dataclass
class Post:
    """Delivers nothing the first time, as a provider that is down."""

    sent: list[tuple[str, Mapping[str, Any], str]] = field(default_factory=list)
    refused: int = 0

    async def send(
        self, *, channel: str, to: str, template: str, variables: Mapping[str, Any], idempotency_key: str
    ) -> None:
        assert (channel, template) == ("email", "migration_alert")
        if not self.refused:
            self.refused += 1
            raise ConnectionError("no route to the provider")
        self.sent.append((to, variables, idempotency_key))


def running_with(made: Shop, tap: Path, post: Post | None = None, **options: Any) -> Running:  # noqa: ANN401 - fields
    chosen = ConductorOptions(tap, str(uuid4()), every=0.05, save_every=0.05, counters_every=0.05, **options)
    return Running(
        Conductor(made.address, made.scope, made.config, chosen, publisher=made.gateways, notifier=post),
        tap,
    )


def counted(made: Shop, metric: str) -> int:
    unit = made.seen().unit("orders")
    counts = unit.decision["counts"] if unit and unit.decision else []
    return next((int(each["canary_events"]) for each in counts if each["metric"] == metric), 0)


def test_an_alarm_goes_to_each_person_by_e_mail_once(
    module_database: DatabaseAddress, old: Side, new: Side, tmp_path: Path
) -> None:
    new.script = saying({**ORDERS, "total": 13})
    post = Post()
    with shop(
        module_database, old.url, new.url, '[alerts]\nemail = ["ops@example.com", "ann@example.com"]\n'
    ) as made:
        made.advance("contracted", "replayed")
        running = running_with(made, tmp_path / "t", post)
        try:
            running.feed(*(copy() for _ in range(150)))
            eventually(lambda: [one for one in made.seen().alerts if len(one.told) == 2])
            running.feed(*(copy() for _ in range(30)))
            eventually(lambda: judged(made) == 180)
        finally:
            running.stop()
        (alert,) = made.seen().alerts
    assert sorted(to for to, _, _ in post.sent) == ["ann@example.com", "ops@example.com"]
    assert post.refused == 1, "it was tried again"
    assert {key for *_, key in post.sent} == {f"{alert.id}/ops@example.com", f"{alert.id}/ann@example.com"}
    assert all(variables["cause"].startswith("difference ") for _, variables, _ in post.sent)


def test_counters_of_a_query_and_of_a_metrics_page_reach_the_decision(
    module_database: DatabaseAddress, old: Side, new: Side, tmp_path: Path
) -> None:
    paid = {"new": 5, "old": 50}

    def metrics(request: Received) -> None:
        lines = [f'paid_total{{arm="{arm}",shop="a"}} {count}' for arm, count in paid.items()]
        request.answer("\n".join(["# TYPE paid_total counter", *lines, ""]).encode())

    with (
        side(metrics) as page,
        shop(module_database, old.url, new.url, COUNTERS.format(page=page.url)) as made,
    ):
        made.open_canary()
        row = {**made.scope.parameters, "id": uuid4()}
        made.connection.execute(ASKED, row)  # before the stage was read first: no event of it
        running = running_with(made, tmp_path / "t", promotes=False)
        try:
            running.feed(copy("o1", tags="side:old other"), copy("m1", tags="side:new member"))
            # The metrics are read behind the query: two of their readings, and both were read at least once in this stage.
            eventually(lambda: len([one for one in page.requests if b"/metrics" in one.first]) > 2)
            made.connection.execute(ASKED, {**row, "id": uuid4()})
            paid["new"] += 3
            eventually(lambda: (counted(made, "refunds"), counted(made, "paid")) == (1, 3))
            page.script = lambda request: request.answer(b"no", status="500 No")
            eventually(lambda: [one for one in made.seen().alerts if "paid could not be read" in one.said])
        finally:
            running.stop()
    assert made.seen().unit("orders") is not None


COUNTERS = """
[[canary.counters]]
name = "refunds"
kind = "sql"
query = "SELECT 'new', id::text, 1 FROM engine.operator_requests WHERE action = 'paid'"
[[canary.counters]]
name = "paid"
kind = "metrics"
url = "{page}/metrics"
query = 'paid_total{{shop="a"}}'
"""


def rehearsing(request: Received) -> None:
    """A side that honours dry runs: each signed request is answered, and taken back."""
    signed = request.values(b"Caravan-Dry-Run")
    headers = b"Content-Type: application/json\r\n"
    if signed:
        headers += b"Caravan-Dry-Run-Result: rolled-back\r\n"
    request.answer(b'{"total": 12}' if request.first.startswith(b"POST") else b"well", headers=headers)


def test_writes_are_rehearsed_once_the_new_side_has_shown_that_it_takes_them_back(
    module_database: DatabaseAddress, old: Side, new: Side, tmp_path: Path
) -> None:
    new.script = rehearsing
    with shop(module_database, old.url, new.url) as made:
        shadow = made.config.shadow.model_copy(update={"dry_run_writes": True})
        made.config = made.config.model_copy(update={"shadow": shadow})
        made.advance("contracted", "replayed")
        running = running_with(made, tmp_path / "t", dry_run=KEY)
        try:
            running.feed(*(copy(method="POST") for _ in range(5)))
            (found,) = eventually(lambda: [one for one in made.seen().differences if "POST" in one.request])
            assert (found.reported, found.members[0].path) == (False, "$.items")
            assert [one.first.split(b" ")[0] for one in new.requests] == [b"GET"] + [b"POST"] * 5
            assert all(
                re.fullmatch(rb"v1; key=k1; .*", one.values(b"Caravan-Dry-Run")[0]) for one in new.requests
            )
            assert not [one for one in old.requests if one.first.startswith(b"POST")]
            new.script = saying({**ORDERS, "total": 13})  # it says no longer that it takes things back
            running.feed(copy(method="POST"))
            eventually(lambda: [one for one in made.seen().alerts if "no dry run is sent" in one.said])
            sent = len(new.requests)
            running.feed(*(copy(method="POST") for _ in range(3)), copy())
            eventually(lambda: judged(made) == 1)
            assert len([one for one in new.requests[sent:] if one.first.startswith(b"POST")]) == 0
        finally:
            running.stop()


def test_the_conductor_records_beside_comparing_and_a_second_reader_is_told_so(
    module_database: DatabaseAddress, old: Side, new: Side, tmp_path: Path
) -> None:
    recording, tap = Recording(tmp_path / "recording"), tmp_path / "t"
    recorder = Recorder(RedactingWriter(recording))
    with shop(module_database, old.url, new.url) as made:
        made.advance("contracted", "replayed")
        running = running_with(made, tap, recorder=recorder, recording="monday")
        try:
            running.feed(*(copy() for _ in range(30)))
            eventually(lambda: judged(made) == 30)

            async def second() -> None:
                async with TapReader(tap):
                    pass

            with pytest.raises(TapTakenError, match="reads the tap") as taken:
                asyncio.run(second())
            assert "--record NAME" in taken.value.fix
            running.feed(copy())
            eventually(lambda: judged(made) == 31)  # the first reader lost nothing by that

            def recorded() -> bool:
                conductor = made.seen().conductor
                found = conductor.recorder if conductor else None
                return found is not None and (found.name, found.recorded, found.failed) == ("monday", 31, 0)

            eventually(recorded)
        finally:
            running.stop()
            recorder.close()
    assert len(list(recording.read())) == 31


def telling_rows(request: Received) -> None:
    """A side that honours dry runs and tells the rows that each would have changed."""
    rows = [
        {"table": "orders", "operation": "insert", "key": "1", "columns": {"id": 1}},
        {"table": "lines", "operation": "insert", "key": "1", "columns": {"id": 1}},
        {"table": "lines", "operation": "insert", "key": "2", "columns": {"id": 2}},
    ]
    told = json.dumps(rows).encode() if request.first.startswith(b"POST") else b""
    headers = b"Content-Type: application/json\r\nCaravan-Dry-Run-Result: rolled-back; rows=%d\r\n" % len(
        told
    )
    request.answer(json.dumps(ORDERS).encode() + told, headers=headers)


def test_tables_that_dry_runs_tell_are_kept_for_the_graph_of_units(
    module_database: DatabaseAddress, old: Side, new: Side, tmp_path: Path
) -> None:
    new.script = telling_rows
    with shop(module_database, old.url, new.url) as made:
        shadow = made.config.shadow.model_copy(update={"dry_run_writes": True})
        made.config = made.config.model_copy(update={"shadow": shadow})
        made.advance("contracted", "replayed")
        running = running_with(made, tmp_path / "t", dry_run=KEY)
        try:
            running.feed(*(copy(method="POST") for _ in range(3)))
            eventually(lambda: len(stored_uses(made.connection, made.scope)) == 6)
            seen = stored_uses(made.connection, made.scope)
        finally:
            running.stop()
    assert {(use.route, use.table, use.operation) for use in seen} == {
        ("POST /orders", "orders", "insert"),
        ("POST /orders", "lines", "insert"),
    }
    (unit,) = units_of_uses(made.config, seen).units
    assert (unit.tables, unit.declared, unit.requests) == (("lines", "orders"), ("orders",), 3)
