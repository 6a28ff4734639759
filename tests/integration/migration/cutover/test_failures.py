"""Whatever fails before the flip, everything is undone by itself and clients notice nothing; behind it, it is finished."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.conductor.errors import UnitHeldError
from caravan.migration.conductor.wishes import hold
from caravan.migration.config import MigrationConfig, read_config_text
from caravan.migration.cutover.errors import (
    ConsentMissingError,
    CutShortError,
    FenceRefusedError,
    HoldBudgetError,
    PreflightError,
    RowsDifferError,
    StoreFailedError,
    WritersRemainError,
)
from caravan.migration.cutover.hold_budget import HoldBudget
from caravan.migration.cutover.parties import Verified, Writer
from caravan.migration.cutover.recovery import settle_interrupted
from caravan.migration.gateway.errors import NotConfirmedError
from caravan.migration.sync.errors import CatchUpTimeoutError
from caravan.migration.units import (
    CompleteIsFinalError,
    GateClosedError,
    LeaseHeldError,
    TransitionOpenError,
    UndoOpenError,
    UnitValues,
    connected,
    entries,
    held_lease,
    record_measurement,
)
from tests.fixtures.databases import as_administrator
from tests.integration.migration.cutover.acting import NOW, FakeFence, RefusedError
from tests.integration.migration.cutover.shop import AT_CANARY, CONFIG, PLACE, TEXT, Shop


@pytest.fixture
def connection(module_database: DatabaseAddress) -> Iterator[psycopg.Connection]:
    with connected(module_database) as connection:
        yield connection


@pytest.fixture
def shop(module_database: DatabaseAddress, connection: psycopg.Connection) -> Shop:
    return Shop(module_database, connection, switched=False)


@pytest.fixture
def switched(module_database: DatabaseAddress, connection: psycopg.Connection) -> Shop:
    return Shop(module_database, connection, switched=True)


@pytest.mark.parametrize(
    ("act", "failure", "error"),
    [
        ("forward prepare", OSError("no route"), StoreFailedError),
        ("publish arm", NotConfirmedError("gateway-2"), NotConfirmedError),
        ("publish hold", NotConfirmedError("gateway-2"), NotConfirmedError),
        ("old fence up", FenceRefusedError("locked"), FenceRefusedError),
        ("forward apply", CatchUpTimeoutError("behind"), CatchUpTimeoutError),
        ("verify", psycopg.OperationalError("gone"), StoreFailedError),
        ("sequences", sqlite3.OperationalError("disk full"), StoreFailedError),
        ("reverse start", RefusedError("no slot"), RefusedError),
        ("publish flip", NotConfirmedError("gateway-2"), NotConfirmedError),
        ("publish flip", ZeroDivisionError("a bug"), ZeroDivisionError),
        ("verify", KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_step_that_fails_before_the_flip_undoes_all_and_lets_the_clients_go(
    shop: Shop, act: str, failure: Exception, error: type[BaseException]
) -> None:
    shop.world.fail[act] = failure
    with pytest.raises(error):
        shop.act("switch")
    assert shop.stored == (6, False, False)
    assert shop.problems() == []
    assert shop.act("switch") == "moved"
    assert shop.problems() == []


@pytest.mark.parametrize("act", ["publish release", "forward watch"])
def test_a_step_that_fails_behind_the_flip_is_finished_by_the_same_call(shop: Shop, act: str) -> None:
    shop.world.fail[act] = NotConfirmedError("gateway-2")
    assert shop.act("switch") == "finished"
    assert shop.problems() == []


def test_a_gateway_that_does_not_confirm_the_flip_does_not_turn_it_back(shop: Shop) -> None:
    shop.gateways.deaf_to = "flip"
    assert shop.act("switch") == "finished"
    assert shop.stored == (7, False, False)
    assert shop.problems() == []


def test_where_undoing_fails_too_the_same_command_goes_on_with_it(shop: Shop) -> None:
    shop.world.fail = {"verify": OSError("gone"), "old fence down": OSError("still gone")}
    with pytest.raises(UndoOpenError, match=r"verify: OSError: gone.*Undoing it failed too: .*still gone"):
        shop.act_without_settling("switch")
    assert shop.world.table.held
    assert shop.world.old.fences
    assert shop.act("switch") == "unwound"
    assert shop.problems() == []


def test_nobody_else_acts_while_one_is_undone(shop: Shop) -> None:
    shop.world.fail = {"verify": OSError("gone"), "old fence down": OSError("still gone")}
    with pytest.raises(UndoOpenError):
        shop.act_without_settling("switch")
    with (
        shop.cutovers.opened() as on,
        pytest.raises(TransitionOpenError, match="'cut over' of 'orders', begun by ann"),
    ):
        on.coordinator.advance(on.lease, "orders", "ramp-down")


def test_over_the_budget_of_the_hold_all_is_undone(shop: Shop) -> None:
    moments = iter([0.0, *([0.1] * 5), *([9.0] * 100)])
    shop.cutovers.carrier.budget = HoldBudget(1.0, lambda: next(moments))
    with pytest.raises(HoldBudgetError, match="budget of 1 s for holding writes was used up before the step"):
        shop.act("switch")
    assert shop.stored == (6, False, False)
    assert shop.problems() == []


def test_the_last_look_at_the_budget_is_just_before_the_flip(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    shop.cutovers.carrier.budget = HoldBudget(1.0, lambda: now[0])
    real = FakeFence.standing

    def standing(fence: FakeFence) -> Sequence[UUID]:
        if fence.side is shop.world.new:
            now[0] += 5.0
        return real(fence)

    monkeypatch.setattr(FakeFence, "standing", standing)
    with pytest.raises(HoldBudgetError, match="before the step 'flip'"):
        shop.act("switch")
    assert shop.problems() == []


def test_how_long_clients_waited_is_in_the_journal(shop: Shop) -> None:
    shop.act("switch")
    told = [one.facts["told"] for one in entries(shop.connection, shop.scope) if one.phase == "effect"]
    (held,) = [facts["held_seconds"] for facts in told if "held_seconds" in facts]
    assert held > 0


def test_rows_that_differ_at_the_last_moment_stop_the_switch(shop: Shop) -> None:
    shop.world.differing = ["orders: 7", "orders: 9"]
    with pytest.raises(RowsDifferError, match=r"2 of 3 changed rows differ .* orders: 7, orders: 9"):
        shop.act("switch")
    assert shop.problems() == []


def test_transactions_from_before_the_fence_are_waited_for_and_not_for_ever(shop: Shop) -> None:
    shop.world.old_ones = [Writer("app", "pid 7")] * 3
    assert shop.act("switch") == "moved"
    shop.act("reverse")
    shop.world.forward.state = "running"
    shop.connection.execute(
        PLACE.encode(), {**shop.scope.parameters, "state": 6, "stage": 1, "share": 1.0, "salt": "s"}
    )
    shop.world.table = AT_CANARY
    shop.world.old_ones = [Writer("app", "pid 7")] * 1_000_000
    shop.cutovers.carrier.budget = HoldBudget(0.5)
    with pytest.raises(
        WritersRemainError, match=r"On old, from before the fence and not ended: app \(pid 7\)"
    ):
        shop.act("switch")
    assert shop.world.old.fences == set()


def test_writers_past_the_gateway_stand_in_the_way_until_somebody_answers_for_them(shop: Shop) -> None:
    shop.world.other_writers = [Writer("cron@10.0.0.7", "2 sessions"), Writer("app", "8 sessions")]
    with pytest.raises(PreflightError) as refused:
        shop.act("switch")
    assert (
        "writers without the gateway: cron@10.0.0.7 (2 sessions), app (8 sessions)" in refused.value.message
    )
    assert shop.problems() == []
    (why,) = [one.facts for one in entries(shop.connection, shop.scope) if one.phase == "failed"]
    assert why["error"] == "cutover_preflight"
    assert [check["name"] for check in why["checks"] if not check["passed"]] == [
        "writers without the gateway"
    ]
    waived = with_waivers("writer:cron@10.0.0.7", "writer:app")
    assert shop.operator("ann", waived).switch("orders").did == "moved"


def with_waivers(*classes: str) -> MigrationConfig:
    text = "".join(
        f'[[waivers]]\nclass = "{one}"\nowner = "ann"\nreason = "moved on Monday"\nuntil = 2026-02-01\n'
        for one in classes
    )
    return read_config_text(Path("migration.toml"), TEXT + text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("flow", "flow: not running"),
        ("old", "health of the old side: does not answer"),
        ("new", "health of the new side: does not answer"),
        ("disk", "disk of new: 0.0 GiB free"),
        ("back", "way back: no process stands by"),
    ],
)
def test_the_preflight_names_what_is_missing_before_anything_is_held(
    shop: Shop, change: str, said: str
) -> None:
    if change == "flow":
        shop.world.forward.state = "stopped"
    elif change == "back":
        shop.world.reverse.state = "stopped"
    elif change == "disk":
        parties = shop.cutovers.parties
        shop.cutovers.carrier._parties = replace(parties, new=replace(parties.new, free_bytes=1))
    else:
        shop.world.sides[change] = False
    with pytest.raises((PreflightError, GateClosedError)) as refused:
        shop.act("switch")
    assert said in refused.value.message or change in refused.value.message
    assert not any("publish" in name for name in shop.world.names)


def test_from_a_new_side_that_fails_the_way_back_is_open(switched: Shop) -> None:
    switched.world.sides["new"] = False
    switched.world.other_writers = [Writer("somebody", "1 session")]
    switched.cutovers.parties.verification.last = lambda: Verified(NOW - timedelta(days=9), 10, 0)  # type: ignore[method-assign]
    assert switched.act("reverse") == "moved"
    assert switched.problems() == []


def test_a_second_operator_is_told_who_is_at_it(shop: Shop) -> None:
    with (
        held_lease(shop.connection, shop.scope, holder="ann on bastion"),
        pytest.raises(LeaseHeldError, match="ann on bastion holds the migration 'shop'"),
    ):
        shop.operator("bob").switch("orders")
    assert shop.world.names == []


def test_a_unit_that_somebody_holds_does_not_switch_and_may_go_back(shop: Shop, switched: Shop) -> None:
    for each in (shop, switched):
        hold(each.connection, each.scope, "orders", "we look at the invoices", "ann", NOW)
    with pytest.raises(UnitHeldError, match="ann holds 'orders' where it is: we look at the invoices"):
        shop.operator("bob").switch("orders")
    assert shop.world.names == []
    assert switched.act("reverse") == "moved"


@pytest.mark.parametrize("step", ["publish hold", "verify", "publish flip", "publish release"])
def test_when_the_database_goes_away_in_the_middle_the_call_settles_what_it_began(
    shop: Shop, step: str
) -> None:
    """The server ends every session of the engine but ours: the next statement of the coordinator fails."""

    own = shop.connection.info.backend_pid
    ended = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"  # noqa: S608 - a number
        f" AND pid NOT IN (pg_backend_pid(), {own})"
    )

    def outage() -> None:
        if shop.world.names[-1] == f"before {step}":
            shop.world.outage = lambda: None
            as_administrator(shop.address, ended)

    shop.world.outage = outage
    shop.cutovers.patience = 20.0
    if step in {"publish flip", "publish release"}:
        assert shop.act("switch") == "finished"
    else:
        with pytest.raises(CutShortError, match=r"AdminShutdown.* It was undone"):
            shop.act("switch")
    assert shop.problems() == []


@pytest.mark.parametrize(("act", "did"), [("verify", "unwound"), ("publish release", "finished")])
def test_whatever_starts_next_settles_what_was_cut_short_and_leaves_alone_what_somebody_is_at(
    shop: Shop, act: str, did: str
) -> None:
    shop.world.fail[act] = Gone()
    with pytest.raises(Gone):
        shop.act("switch")

    def settled() -> list[str]:
        found = settle_interrupted(
            shop.address, shop.scope, CONFIG, lambda _unit: shop.operator("next start")
        )
        return [moved.did for moved in found]

    with held_lease(shop.connection, shop.scope, holder="ann"):
        assert settled() == []
    assert settled() == [did]
    assert shop.problems() == []
    assert settled() == []


class Gone(BaseException):
    """The process was killed."""


def test_the_whole_way_to_complete_and_no_step_further(switched: Shop) -> None:
    assert switched.act("ramp_down") == "moved"
    with pytest.raises(GateClosedError, match="drill: nothing yet"):
        switched.cutovers.complete("orders", "yes, ann")
    with pytest.raises(ConsentMissingError):
        switched.cutovers.complete("orders", "  ")
    drill = {"passed": True, "lost_and_doubled": 0}
    record_measurement(switched.connection, switched.scope, "orders", "drill", drill, at=NOW)
    assert switched.cutovers.complete("orders", "yes, we looked for a week").did == "moved"
    assert (switched.world.forward.state, switched.world.reverse.state) == ("stopped", "stopped")
    assert switched.world.old.fences
    with pytest.raises(CompleteIsFinalError) as final:
        switched.act("reverse")
    assert "What can still be done" in final.value.fix
    assert switched.world.table == UnitValues(9)


def test_ramp_down_fences_the_old_side_where_somebody_took_the_fence_down(switched: Shop) -> None:
    switched.world.old.fences.clear()
    assert switched.act("ramp_down") == "moved"
    assert len(switched.world.old.fences) == 1
    assert switched.world.forward.foreign > 0
    assert switched.act("reverse") == "moved"
    assert switched.stored == (4, False, False)
