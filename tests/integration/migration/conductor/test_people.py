"""People and the conductor move units on one path, answer for what was found, and have a pair asked again."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.migration.conductor import (
    ByHand,
    NothingToPromoteError,
    OvertakenError,
    UnitHeldError,
)
from caravan.migration.conductor.steering import Steering
from caravan.migration.contract import AnswerShape, Contract, Route, freeze, write_contract
from caravan.migration.contract.schemas import Field, Schema
from caravan.migration.shadow import MaskRefusedError, ReplayRefusedError
from caravan.migration.units import GateClosedError, LeaseLostError, Publication, record_measurement
from tests.integration.migration.conductor.conducting import ORDERS, Gateways, Shop, copy, saying, shop
from tests.integration.migration.conductor.test_conducting import judged, person
from tests.integration.migration.gateway.running import Side, eventually, side

SOON = utc_now().date() + timedelta(days=30)
WITHOUT = {"total": 12}
HOLDER = """
import sys, time
from uuid import UUID
from caravan.core.database import DatabaseAddress
from caravan.migration.units import Scope, connected, held_lease
with connected(DatabaseAddress.parse(sys.argv[1])) as connection:
    with held_lease(connection, Scope(UUID(sys.argv[2]), "shop"), holder="a command"):
        print("holds", flush=True)
        time.sleep(600)
"""


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


def hand(shopped: Shop, name: str = "ann", number: int = 1) -> ByHand:
    who = person(name, number)
    return ByHand(shopped.address, shopped.scope, shopped.config, who, publisher=shopped.gateways)


def measured(shopped: Shop, **figures: Any) -> None:  # noqa: ANN401 - JSON
    said: Mapping[str, Any] = {"stage": "10%", "action": "promote", "ratio": {"canary_keys": 400}, **figures}
    record_measurement(shopped.connection, shopped.scope, "orders", "canary", said, at=utc_now())


def test_a_promotion_by_hand_passes_the_same_guard_as_the_conductors_own(shopped: Shop) -> None:
    shopped.open_canary()
    steering = Steering(
        shopped.address, shopped.scope, shopped.config, by="conductor", publisher=shopped.gateways
    )
    decision = {"stage": "10%", "action": "hold", "reasons": ["too few"], "ratio": {"canary_keys": 400}}
    with pytest.raises(GateClosedError) as automatic:
        steering.promote("orders", decision, "because")
    with pytest.raises(GateClosedError) as manual:
        hand(shopped).advance("orders", "canary:100", "because", seen_at="canary:10")

    def closed(error: GateClosedError) -> list[str]:
        checks: Any = error.details["checks"]
        return [str(check["name"]) for check in checks if not check["passed"]]

    assert closed(automatic.value) == closed(manual.value) == ["canary: decision"]
    measured(shopped)
    hand(shopped).advance("orders", "canary:100", "proven", seen_at="canary:10")
    assert shopped.values().share == 1
    with pytest.raises(NothingToPromoteError, match="what remains is the switch"):
        hand(shopped).promote("orders", "on and on")
    with pytest.raises(GateClosedError):  # nothing was measured in the last stage
        hand(shopped).advance("orders", "switched", "I say so", seen_at="canary:100")
    assert shopped.values().state == 6


def test_a_held_unit_goes_on_for_nobody_and_back_for_everybody(shopped: Shop) -> None:
    shopped.open_canary()
    measured(shopped)
    hand(shopped).hold("orders", "payday")
    with pytest.raises(UnitHeldError, match="payday"):
        hand(shopped, "bob", 2).advance("orders", "canary:100", "proven", seen_at="canary:10")
    with pytest.raises(OvertakenError, match="you saw it at shadow-read"):
        hand(shopped, "bob", 2).back("orders", "replayed", "old news", seen_at="shadow-read")
    hand(shopped, "bob", 2).back("orders", "shadow-read", "a smell", seen_at="canary:10")
    assert shopped.values().state == 4
    hand(shopped).back(
        "orders", "shadow-read", "a smell, too", seen_at="canary:10"
    )  # it is there: nothing to do


def test_a_rollback_does_not_wait_for_the_lease_of_a_killed_command(shopped: Shop) -> None:
    shopped.open_canary()
    command = [sys.executable, "-c", HOLDER, shopped.address.url, str(shopped.scope.org_id)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder, shopped.conducted() as running:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"holds\n"
        running.feed(*(copy(f"o{n}", tags="side:old other") for n in range(60)))
        running.feed(*(copy(f"m{n}", tags="side:new member", status=500) for n in range(8)))
        eventually(lambda: [one for one in shopped.seen().journal if one.phase == "rollback"])
        assert shopped.values().state == 6, "whoever lives is waited for"
        holder.kill()
        killed = time.monotonic()
        eventually(lambda: shopped.values().state == 4)
    assert time.monotonic() - killed < 25, "the lease lasts 30 s, and nobody waits for that"
    assert shopped.gateways.told[-1].share == 0


class DyingGateways(Gateways):
    """The command dies while writes are held for a switch."""

    def publish(self, publication: Publication) -> Mapping[str, Any]:
        if publication.step.name == "flip":
            raise LeaseLostError("killed")
        return super().publish(publication)


def test_a_rollback_unwinds_a_switch_that_was_cut_short(shopped: Shop) -> None:
    shopped.open_canary()
    measured(shopped)
    hand(shopped).advance("orders", "canary:100", "proven")
    measured(shopped, stage="100%")
    who = person("ann", 1)
    dying = ByHand(shopped.address, shopped.scope, shopped.config, who, publisher=DyingGateways())
    with pytest.raises(LeaseLostError):
        dying.advance("orders", "switched", "now")
    assert (shopped.values().state, shopped.values().held) == (6, True)
    hand(shopped, "bob", 2).roll_back("orders", "errors everywhere")
    assert (shopped.values().state, shopped.values().held) == (4, False)
    assert (shopped.seen().unit("orders") or shopped).interrupted is None  # type: ignore[union-attr]


def test_a_gate_that_turns_red_is_told_once_and_the_way_is_open_where_only_the_sides_are_to_be_asked(
    shopped: Shop,
) -> None:
    def contract(*, frozen: bool) -> None:
        figures = {"frozen": frozen, "coverage": 0.9}
        record_measurement(shopped.connection, shopped.scope, "orders", "contract", figures, at=utc_now())

    def red() -> list[Any]:
        return [one for one in shopped.seen().alerts if one.ended_at is None and "turned red" in one.said]

    with shopped.conducted() as running:
        eventually(lambda: running.conductor.ready)
        contract(frozen=True)
        eventually(lambda: [way for unit in shopped.seen().units for way in unit.ways if way.open])
        eventually(lambda: shopped.connection.execute(GATES, shopped.scope.parameters).fetchone())
        contract(frozen=False)
        (alert,) = eventually(red)
        assert "contract: frozen has turned red: not frozen" in alert.said
        contract(frozen=True)
        eventually(lambda: not red())
    shopped.advance("contracted", "replayed", "shadow-read")
    unit = shopped.seen().unit("orders")
    assert unit is not None
    assert [way.target for way in unit.ways if way.open and not way.back] == ["canary:10"]
    shopped.connection.execute(
        "DELETE FROM engine.unit_measurements WHERE org_id = %(org)s AND kind = 'sides'",
        shopped.scope.parameters,
    )
    unit = shopped.seen().unit("orders")
    assert unit is not None
    (way,) = [way for way in unit.ways if not way.back]
    assert (way.open, way.checks[-1].passed) == (True, False)
    assert way.checks[-1].measured == "nothing yet; asked when somebody goes on"


GATES = """
SELECT 1 FROM engine.conductor_state WHERE org_id = %(org)s AND migration = %(migration)s AND part = 'gates'
    AND document -> 'orders discovered' @> '["contract: frozen"]'
"""


def test_a_missing_member_is_accepted_once_it_was_found(shopped: Shop, new: Side) -> None:
    new.script = saying(WITHOUT)
    shopped.advance("contracted", "replayed")
    with pytest.raises(MaskRefusedError, match="was not found on GET /orders"):
        hand(shopped).accept("GET /orders", "$.items", owner="ann", reason="gone", until=SOON, kind="missing")
    with shopped.conducted() as running:
        running.feed(*(copy() for _ in range(150)))
        (difference,) = eventually(lambda: [one for one in shopped.seen().differences if one.reported])
        assert (difference.kind, difference.maskable) == ("missing", True)
        hand(shopped).accept("GET /orders", "$.items", owner="ann", reason="gone", until=SOON, kind="missing")
        running.feed(copy())
        eventually(lambda: shopped.seen().routes[0].verdict != "differs")
        new.script = saying(
            {**ORDERS, "items": [1, 3]}
        )  # there again, and not the same: another kind, not accepted
        running.feed(*(copy() for _ in range(60)))
        eventually(lambda: shopped.seen().routes[0].verdict == "differs")


def test_what_would_leave_too_little_of_a_route_is_refused_by_what_was_seen_of_it(
    shopped: Shop, new: Side
) -> None:
    new.script = saying({"total": 13, "items": [3, 4]})
    shopped.advance("contracted", "replayed")
    with shopped.conducted() as running:
        running.feed(*(copy() for _ in range(150)))
        eventually(lambda: len([one for one in shopped.seen().differences if one.reported]) == 2)
        eventually(lambda: judged(shopped) == 150)
    paths = {member.path for one in shopped.seen().differences for member in one.members}
    assert paths == {"$.total", "$.items[*]"}
    hand(shopped).accept("GET /orders", "$.total", owner="ann", reason="tax", until=SOON)
    with pytest.raises(MaskRefusedError, match="a fifth"):  # one of three leaves is enough
        hand(shopped).accept("GET /orders", "header.content-type", owner="ann", reason="more", until=SOON)
    with pytest.raises(MaskRefusedError, match="pattern"):
        hand(shopped).accept("GET /orders", "$.items[*]", owner="ann", reason="all of them", until=SOON)


def test_an_acceptance_that_hides_too_much_after_all_is_told(shopped: Shop) -> None:
    """It was accepted before the route had shown what it has."""
    shopped.advance("contracted", "replayed")
    for path in ("$.total", "header.content-type"):
        hand(shopped).accept("GET /orders", path, owner="ann", reason="before anybody looked", until=SOON)
    with shopped.conducted() as running:
        running.feed(*(copy() for _ in range(5)))
        (alert,) = eventually(lambda: [one for one in shopped.seen().alerts if one.ended_at is None])
    assert "is compared all the same" in alert.said


def test_a_pair_is_asked_again_within_the_budget(shopped: Shop, old: Side, new: Side) -> None:
    new.script = saying(WITHOUT)
    shopped.advance("contracted", "replayed")
    with shopped.conducted() as running:
        running.feed(*(copy() for _ in range(150)))
        (difference,) = eventually(lambda: [one for one in shopped.seen().differences if one.reported])
        eventually(lambda: judged(shopped) == 150)
        new.script = saying(ORDERS)  # mended meanwhile
        asked = len(old.requests), len(new.requests)
        hand(shopped).replay(difference.id)
        running.feed(
            *(copy(method="POST") for _ in range(60))
        )  # the share of the extra load grows with what is served
        replay = eventually(lambda: _replay(shopped, difference.id))
        assert (replay.outcome, replay.by.startswith("ann (")) == ("gone", True)
        assert (len(old.requests) - asked[0], len(new.requests) - asked[1]) == (3, 3)
        running.conductor._budget.slow = True
        hand(shopped).replay(difference.id)
        replay = eventually(lambda: _replay(shopped, difference.id, "over budget"))
        assert "p95 of the old side rose" in replay.said
        assert len(old.requests) - asked[0] == 3, "nothing was asked"


def test_what_writes_is_never_asked_again(shopped: Shop) -> None:
    members = '[["POST /orders", "$.total", 2, 0, false]]'
    shopped.connection.execute(
        "INSERT INTO engine.difference_groups (org_id, migration, id, unit, cause, kind, reported, members, example, first_at,"
        " last_at) VALUES (%(org)s, %(migration)s, 'w', 'orders', 'c', 'value', false, %(members)s, '{}', now(), now())",
        {**shopped.scope.parameters, "members": members},
    )
    shopped.advance("contracted")
    with pytest.raises(ReplayRefusedError, match="POST /orders does not only read"):
        hand(shopped).replay("w")


def _replay(shopped: Shop, identity: str, outcome: str | None = None) -> Any:  # noqa: ANN401 - a view, or None
    found = next(one.replay for one in shopped.seen().differences if one.id == identity)
    done = found is not None and found.state == "done" and outcome in (None, found.outcome)
    return found if done else None


def test_coverage_is_of_the_frozen_contract_and_the_gate_names_what_is_missing(
    module_database: DatabaseAddress, old: Side, new: Side, tmp_path: Path
) -> None:
    contract = tmp_path / "contract.toml"
    answers = {200: AnswerShape(), 404: AnswerShape(), 500: AnswerShape()}
    route = Route("GET", "/orders", "read", query={"page": Field(Schema())}, answers=answers)
    write_contract(contract, freeze(Contract("shop", {route.key: route})))
    with shop(module_database, old.url, new.url, more="") as made:
        shadow = made.config.shadow.model_copy(
            update={"contract": contract, "role": "header:X-Role", "roles": ("admin",)}
        )
        made.config = made.config.model_copy(update={"shadow": shadow})
        made.advance("contracted", "replayed")
        with made.conducted() as running:
            running.feed(*(copy() for _ in range(40)))
            eventually(lambda: judged(made) == 40)
            coverage = made.seen().routes[0].coverage
            assert coverage is not None
            assert (coverage.unseen_parameters, coverage.unseen_statuses) == (("page",), ("4xx",))
            assert (coverage.unseen_roles, coverage.share) == (("admin",), 0.25)
            (check,) = eventually(
                lambda: [
                    check
                    for unit in made.seen().units
                    for way in unit.ways
                    for check in way.checks
                    if check.name == "shadow: coverage" and "not seen" in check.measured
                ]
            )
            assert "GET /orders parameter page" in check.measured
