"""The conductor compares, keeps what it knows over restarts, widens what is safe, and takes back what is not."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import UUID

import pytest

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.core.principal import ForbiddenError, Principal, PrincipalKind
from caravan.migration.conductor import (
    ADVANCE,
    BACK,
    ByHand,
    NothingToPromoteError,
    OtherPersonNeededError,
    RequestUnknownError,
)
from caravan.migration.conductor.webhook import signed_headers
from caravan.migration.shadow import MaskRefusedError
from caravan.migration.units import entries, verify_chain
from tests.integration.migration.conductor.conducting import ORDERS, Shop, copy, saying, shop
from tests.integration.migration.gateway.running import Side, eventually, side

WRONG = {**ORDERS, "total": 13}


@pytest.fixture
def old() -> Iterator[Side]:
    with side(saying(ORDERS)) as running:
        yield running


@pytest.fixture
def new() -> Iterator[Side]:
    with side(saying(ORDERS)) as running:
        yield running


@pytest.fixture
def shopped(module_database: DatabaseAddress, old: Side, new: Side) -> Iterator[Shop]:
    with shop(module_database, old.url, new.url) as made:
        yield made


def person(name: str, number: int, *scopes: str) -> Principal:
    granted = frozenset(scopes or (ADVANCE, BACK))
    return Principal(PrincipalKind.USER, UUID(int=number), name=name, scopes=granted)


def judged(shopped: Shop) -> int:
    coverage = shopped.seen().routes[0].coverage
    return coverage.judged if coverage else 0


def test_a_difference_is_found_grouped_and_shown_by_its_smallest_pair(shopped: Shop, new: Side) -> None:
    new.script = saying(WRONG)
    shopped.advance("contracted", "replayed")
    with shopped.conducted() as running:
        running.feed(*(copy() for _ in range(150)))
        (difference,) = eventually(lambda: [one for one in shopped.seen().differences if one.reported])
    assert (difference.kind, difference.unit, difference.open) == ("value", "orders", True)
    assert (difference.root, difference.old, difference.new) == ("$", '{"total": 12}', '{"total": 13}')
    assert difference.members[0].path == "$.total"
    seen = shopped.seen()
    assert seen.routes[0].verdict == "differs"
    assert [alert.severity for alert in seen.alerts] == ["warning"]
    assert "difference" in {task.kind for task in seen.tasks}
    assert seen.budget is not None
    assert seen.budget.served == 150


def test_writes_are_never_sent_a_second_time(shopped: Shop, old: Side, new: Side) -> None:
    shopped.advance("contracted", "replayed")
    with shopped.conducted() as running:
        running.feed(*(copy(method="POST") for _ in range(20)), copy())
        eventually(lambda: judged(shopped) == 1)
    assert all(request.first.startswith(b"GET") for request in (*old.requests, *new.requests))
    assert len(new.requests) == 1
    conductor = shopped.seen().conductor
    assert conductor is not None
    assert (conductor.taken, conductor.skipped["writes are never asked again"]) == (21, 20)


def test_nothing_is_counted_twice_over_a_restart(shopped: Shop) -> None:
    shopped.advance("contracted", "replayed")
    with shopped.conducted() as running:
        running.feed(*(copy() for _ in range(30)))
        eventually(lambda: judged(shopped) == 30)
    with shopped.conducted() as running:
        running.feed(*(copy() for _ in range(12)))
        eventually(lambda: judged(shopped) == 42)
    seen = shopped.seen()
    assert seen.conductor is not None
    assert (seen.conductor.taken, seen.conductor.judged) == (42, 42)
    assert seen.routes[0].old.requests == 42


def test_a_second_conductor_stands_by_until_the_first_has_ended(shopped: Shop) -> None:
    with shopped.conducted() as first:
        eventually(lambda: first.conductor.ready)
        with shopped.conducted() as second:
            first.feed(copy())
            eventually(lambda: judged(shopped) == 1)
            assert not second.conductor.ready
            first.stop()
            eventually(lambda: second.conductor.ready)


def test_a_harmed_cohort_is_rolled_back_and_the_journal_says_why(shopped: Shop) -> None:
    shopped.open_canary()
    with shopped.conducted() as running:
        running.feed(*(copy(f"o{n}", tags="side:old other") for n in range(60)))
        running.feed(*(copy(f"m{n}", tags="side:new member", status=500) for n in range(8)))
        eventually(lambda: shopped.values().state == 4)
        eventually(lambda: [alert for alert in shopped.seen().alerts if "rolled back" in alert.said])
    assert shopped.gateways.told[-1].share == 0
    listed = list(entries(shopped.connection, shopped.scope))
    rollback = next(entry for entry in listed if entry.phase == "rollback")
    assert rollback.by == "conductor"
    assert rollback.facts["figures"]["action"] == "roll back"
    assert "errors: 8 of 8 keys in the canary" in rollback.facts["said"]
    assert verify_chain(entry.as_json() for entry in listed) is None


def test_a_side_that_gives_no_answer_harms_its_cohort(shopped: Shop) -> None:
    shopped.open_canary()
    with shopped.conducted() as running:
        running.feed(*(copy(f"o{n}", tags="side:old other") for n in range(60)))
        running.feed(*(copy(f"m{n}", tags="side:new member", status=0) for n in range(8)))
        eventually(lambda: shopped.values().state == 4)


def test_wrong_values_harm_a_cohort_as_errors_do(shopped: Shop) -> None:
    shopped.open_canary()
    with shopped.conducted() as running:
        running.feed(*(copy(f"o{n}", tags="side:old other") for n in range(140)))
        eventually(lambda: judged(shopped) >= 40)
        running.feed(*(copy(f"m{n}", tags="side:new member", body=WRONG) for n in range(12)))
        eventually(lambda: shopped.values().state == 4)
    journal = shopped.seen().journal
    said = next(entry.facts["said"] for entry in journal if entry.phase == "rollback")
    assert "mismatches" in said


def test_one_client_with_many_errors_is_one_event(shopped: Shop) -> None:
    shopped.open_canary()
    with shopped.conducted() as running:
        running.feed(*(copy(f"o{n}", tags="side:old other") for n in range(60)))
        running.feed(*(copy("m1", tags="side:new member", status=500) for _ in range(100)))
        eventually(lambda: (shopped.seen().unit("orders") or running).members == 1)  # type: ignore[union-attr]
        unit = shopped.seen().unit("orders")
    assert unit is not None
    assert unit.decision is not None
    assert (shopped.values().state, unit.decision["counts"][0]["canary_events"]) == (6, 1)


def test_a_proven_stage_is_widened_but_not_while_somebody_holds_it(
    module_database: DatabaseAddress, shopped: Shop
) -> None:
    shopped.open_canary()
    ann = ByHand(module_database, shopped.scope, shopped.config, person("ann", 1))
    ann.hold("orders", "the shop's busy week")
    with shopped.conducted() as running:
        running.feed(*(copy(f"o{n}", tags="side:old other") for n in range(3600)))
        running.feed(*(copy(f"m{n}", tags="side:new member") for n in range(400)))
        eventually(lambda: _action(shopped) == "promote")
        unit = shopped.seen().unit("orders")
        assert unit is not None
        assert unit.hold is not None
        assert (unit.hold.reason, shopped.values().share) == ("the shop's busy week", 0.1)
        eventually(lambda: [one for one in shopped.seen().alerts if "10% is proven" in one.said])
        ann.let_go("orders", "over")
        eventually(lambda: shopped.values().share == 1.0)
        # In the last stage nobody is left to compare with: errors above the declared rate end it.
        for n in range(1000):
            running.feed(copy(f"n{n}", tags="side:new member", status=500 if n % 2 else 200))
            if shopped.values().state == 4:
                break
        eventually(lambda: shopped.values().state == 4)
    assert [
        entry.facts["figures"]["stage"] for entry in shopped.seen().journal if entry.phase == "rollback"
    ] == ["100%"]


def _action(shopped: Shop) -> str:
    unit = shopped.seen().unit("orders")
    return str(unit.decision["action"]) if unit and unit.decision else ""


def test_what_is_accepted_is_reported_no_longer(
    module_database: DatabaseAddress, shopped: Shop, new: Side
) -> None:
    new.script = saying(WRONG)
    shopped.advance("contracted", "replayed")
    hand = ByHand(module_database, shopped.scope, shopped.config, person("ann", 1))
    soon = utc_now().date() + timedelta(days=30)
    with shopped.conducted() as running:
        running.feed(*(copy() for _ in range(150)))
        eventually(lambda: shopped.seen().routes[0].verdict == "differs")
        hand.accept("GET /orders", "$.total", owner="ann", reason="rounding was wrong", until=soon)
        running.feed(copy())
        eventually(lambda: shopped.seen().routes[0].verdict != "differs")
        eventually(lambda: not [one for one in shopped.seen().alerts if one.ended_at is None])
    (difference,) = shopped.seen().differences
    assert (difference.open, difference.members[0].accepted) == (False, True)


def test_a_mended_side_is_judged_anew(module_database: DatabaseAddress, shopped: Shop, new: Side) -> None:
    new.script = saying(WRONG)
    shopped.advance("contracted", "replayed")
    with shopped.conducted() as running:
        running.feed(*(copy() for _ in range(150)))
        eventually(lambda: judged(shopped) == 150)
        assert shopped.seen().routes[0].verdict == "differs"
        new.script = saying(ORDERS)
        ByHand(module_database, shopped.scope, shopped.config, person("ann", 1)).begin_anew(
            "orders", "mended"
        )
        eventually(lambda: not shopped.seen().differences)
        running.feed(*(copy() for _ in range(20)))
        eventually(lambda: judged(shopped) == 20)
    assert shopped.seen().routes[0].verdict == "gathering"


def test_with_four_eyes_a_second_person_has_to_agree(module_database: DatabaseAddress, shopped: Shop) -> None:
    shopped.open_canary()

    def hand(name: str, number: int, *scopes: str) -> ByHand:
        who = person(name, number, *scopes)
        return ByHand(
            module_database, shopped.scope, shopped.config, who, four_eyes=True, publisher=shopped.gateways
        )

    ann, bob, eve = hand("ann", 1), hand("bob", 2), hand("eve", 3, "migration:view")
    soon = utc_now().date() + timedelta(days=3)
    asked = ann.accept("GET /orders", "$.total", owner="ann", reason="rounding", until=soon)
    assert asked.state == "waits"
    assert asked.request is not None
    assert shopped.seen().accepted == ()
    with pytest.raises(OtherPersonNeededError):
        ann.agree(asked.request)
    with pytest.raises(ForbiddenError):
        eve.agree(asked.request)
    assert bob.agree(asked.request).state == "done"
    (accepted,) = shopped.seen().accepted
    assert accepted.by.startswith("ann (")
    assert "agreed by bob" in accepted.by
    with pytest.raises(RequestUnknownError):
        bob.agree(asked.request)
    with pytest.raises(MaskRefusedError):
        ann.accept("GET /orders", "$", owner="ann", reason="all", until=soon)
    assert ann.roll_back("orders", "no more").state == "done"  # what makes it more careful is done at once
    assert shopped.values().state == 4
    with pytest.raises(NothingToPromoteError):
        ann.roll_back("orders", "once more")


def test_an_alarm_goes_out_once_and_signed(module_database: DatabaseAddress, old: Side, new: Side) -> None:
    new.script = saying(WRONG)
    received: list[tuple[dict[str, str], bytes]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(500 if len(received) == 1 else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    more = f'[alerts]\nwebhook = "http://127.0.0.1:{server.server_port}/hook"\n'
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    try:
        with shop(module_database, old.url, new.url, more) as made:
            made.advance("contracted", "replayed")
            with made.conducted(webhook_secret=secret) as running:
                running.feed(*(copy() for _ in range(150)))
                eventually(lambda: [one for one in made.seen().alerts if "webhook" in one.told])
                running.feed(*(copy() for _ in range(30)))
                eventually(lambda: judged(made) == 180)
    finally:
        server.shutdown()
        server.server_close()
    assert len(received) == 2  # refused once, sent again, then never more
    (first, _), (second, body) = received
    assert first["webhook-id"] == second["webhook-id"]
    at = utc_now().fromtimestamp(int(second["webhook-timestamp"]))
    assert (
        signed_headers(secret, second["webhook-id"], at, body)["webhook-signature"]
        == second["webhook-signature"]
    )
    assert json.loads(body)["data"]["cause"].startswith("difference ")
