"""A unit moves only when its guard lets it, every step is journaled, and a crash at any point goes on or is unwound."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.config import MigrationConfig, read_config_text
from caravan.migration.gateway.errors import NotConfirmedError
from caravan.migration.units import (
    ComesWithDataError,
    Coordinator,
    EdgeMissingError,
    GateClosedError,
    Publication,
    Scope,
    TransitionOpenError,
    UnitUnknownError,
    UnitValues,
    connected,
    entries,
    held_lease,
    record_measurement,
    stage_name,
    stored_units,
    verify_chain,
)
from caravan.migration.units import journal as journal_module

FILE = """
[migration]
name = "shop"
org = "retail"
[sources.old]
path = "dump"
[[data_sets]]
name = "carts"
source = "old"
collection = "carts"
mapping = "a.b:carts"
[[units]]
name = "orders"
[[units]]
name = "carts"
data_sets = ["carts"]
[[routes]]
template = "/orders"
effect = "read"
key = "address"
unit = "orders"
[gates]
stages = [10, 100]
min_keys = 5
soak = 60
"""
CLEAN: Mapping[str, Mapping[str, Any]] = {
    "contract": {"frozen": True, "coverage": 0.9},
    "replay": {"judged": 400, "unexplained": 0},
    "shadow": {"judged": 400, "mismatched": 0, "reported": 0, "coverage": 0.9, "bound": 0.0075},
    "sides": {"old": True, "new": True},
}
DATA: Mapping[str, Mapping[str, Any]] = {
    **CLEAN,
    "lag": {"running": True, "seconds": 0.1},
    "verification": {"rows": 10, "differing": 0},
}
WAY = ("contracted", "replayed", "shadow-read", "canary:10", "canary:100", "switched")


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Gateways:
    """Remembers what it was told; may die before or after doing a step."""

    told: list[tuple[str, UnitValues]] = field(default_factory=list)
    die_before: int | None = None
    die_after: int | None = None
    deaf_to: str | None = None

    def publish(self, publication: Publication) -> Mapping[str, Any]:
        if self.die_before == len(self.told):
            self.die_before = None
            raise Crash
        self.told.append((publication.step.name, publication.step.values))
        if self.deaf_to == publication.step.name:
            self.deaf_to = None
            raise NotConfirmedError("one does not follow")
        if self.die_after == len(self.told):
            self.die_after = None
            raise Crash
        return {"gateways": ["one"]}

    def in_force(self, _scope: Scope, _unit: str) -> UnitValues | None:
        return self.told[-1][1] if self.told else None


@dataclass
class Shop:
    connection: psycopg.Connection
    config: MigrationConfig
    gateways: Gateways
    now: datetime
    scope: Scope

    def go(self, unit: str, target: str, *, back: bool = False) -> str:
        coordinator = Coordinator(
            self.connection, self.scope, self.config, self.gateways, by="ann", clock=lambda: self.now
        )
        with held_lease(self.connection, self.scope) as lease:
            moved = (coordinator.back if back else coordinator.advance)(lease, unit, target)
        return moved.did

    def measure(self, kind: str, **changes: object) -> None:
        figures = {**CLEAN[kind], **changes}
        record_measurement(self.connection, self.scope, "orders", kind, figures, at=self.now)

    def measure_canary(self, percent: float, action: str = "promote", keys: int = 10) -> None:
        decision = {
            "action": action,
            "stage": stage_name(percent),
            "reasons": ["as the sums say"],
            "ratio": {"canary_keys": keys},
        }
        record_measurement(self.connection, self.scope, "orders", "canary", decision, at=self.now)

    def go_to(self, target: str) -> None:
        """Walk the whole way with everything measured clean."""
        for step in WAY[self.passed :]:
            for kind in CLEAN:
                self.measure(kind)
            if self.values.stage:
                self.now += timedelta(seconds=61)
                for kind in CLEAN:
                    self.measure(kind)
                self.measure_canary(self.config.gates.stages[self.values.stage - 1])
            self.go("orders", step)
            if step == target:
                return

    @property
    def passed(self) -> int:
        """How many steps of the way lie behind."""
        return {0: 0, 1: 1, 2: 2, 4: 3, 6: 3 + self.values.stage, 7: 6}[self.values.state]

    @property
    def values(self) -> UnitValues:
        found = stored_units(self.connection, self.scope).get("orders")
        return found.values if found else UnitValues()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement.encode(), self.scope.parameters).fetchall()

    def journal(self) -> list[tuple[str, str | None]]:
        return [(entry.phase, entry.unit) for entry in entries(self.connection, self.scope)]


@pytest.fixture
def shop(module_database: DatabaseAddress) -> Iterator[Shop]:
    """An organisation of its own for each test."""
    config = read_config_text(Path("migration.toml"), FILE)
    with connected(module_database) as connection:
        yield Shop(connection, config, Gateways(), datetime(2026, 1, 1, tzinfo=UTC), Scope(uuid4(), "shop"))


def test_a_unit_without_data_walks_from_discovered_to_switched_and_back(shop: Shop) -> None:
    shop.go_to("switched")
    assert (shop.values.state, shop.values.held, shop.values.armed) == (7, False, False)
    names = [name for name, _ in shop.gateways.told]
    assert names == ["publish"] * 5 + ["arm", "hold", "flip", "release"]
    flip = shop.gateways.told[-2][1]
    assert (flip.state, flip.held) == (7, True)
    assert shop.go("orders", "shadow-read", back=True) == "moved"
    assert [name for name, _ in shop.gateways.told][-4:] == ["arm", "hold", "flip", "release"]
    assert shop.values.state == 4
    stays = shop.rows(
        "SELECT state, stage, share, left_at IS NULL FROM engine.unit_states WHERE org_id = %(org)s ORDER BY entered_at, id"
    )
    assert stays == [
        (1, 0, 0.0, False),
        (2, 0, 0.0, False),
        (4, 0, 0.0, False),
        (6, 1, 0.1, False),
        (6, 2, 1.0, False),
        (7, 0, 0.0, False),
        (4, 0, 0.0, True),
    ]


def test_members_of_a_canary_stay_members_while_it_widens(shop: Shop) -> None:
    shop.go_to("canary:100")
    first, second = [values for _, values in shop.gateways.told if values.state == 6]
    assert first.salt == second.salt != ""
    assert (first.share, second.share) == (0.1, 1.0)
    shop.go("orders", "shadow-read", back=True)
    shop.go_to("canary:10")
    assert shop.values.salt not in {"", first.salt}


def test_every_call_may_be_repeated(shop: Shop) -> None:
    shop.go_to("shadow-read")
    told = len(shop.gateways.told)
    assert shop.go("orders", "shadow-read") == "nothing"
    assert shop.go("orders", "shadow-read", back=True) == "nothing"
    assert len(shop.gateways.told) == told


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("contract", {"frozen": False}, "contract: frozen: not frozen"),
        ("contract", {"coverage": 0.79}, "contract: coverage: 0.79; needed: at least 0.8"),
        ("replay", {"unexplained": 1}, "replay: share that differs: 0.0025; needed: at most 0"),
        ("replay", {"judged": 0}, "replay: judged exchanges: 0"),
        ("shadow", {"reported": 1}, "shadow: spots with evidence: 1"),
        ("shadow", {"bound": 0.02}, "shadow: undetected share: 0.02"),
        ("shadow", {"coverage": None}, "shadow: coverage: nothing"),
        ("sides", {"new": False}, "sides: new: does not answer its health path"),
    ],
)
def test_a_gate_stays_closed_and_says_by_how_much(
    shop: Shop, kind: str, changes: Mapping[str, object], said: str
) -> None:
    before = {"contract": None, "replay": "contracted", "shadow": "replayed", "sides": "shadow-read"}[kind]
    target = WAY[0 if before is None else WAY.index(before) + 1]
    if before is not None:
        shop.go_to(before)
    for each in CLEAN:
        shop.measure(each)
    shop.measure(kind, **changes)
    values, told = shop.values, list(shop.gateways.told)
    with pytest.raises(GateClosedError) as closed:
        shop.go("orders", target)
    assert said in closed.value.message
    assert (shop.values, shop.gateways.told) == (values, told)
    decision = shop.rows(
        "SELECT passed, checks FROM engine.unit_decisions WHERE org_id = %(org)s ORDER BY id DESC LIMIT 1"
    )
    assert decision[0][0] is False
    assert any(check["passed"] is False for check in decision[0][1])
    assert shop.journal()[-1] == ("guard", "orders")


def test_what_was_measured_long_ago_opens_no_gate(shop: Shop) -> None:
    shop.measure("contract")
    shop.now += timedelta(days=2)
    with pytest.raises(GateClosedError, match="contract: age: 172800 s ago; needed: measured within 86400 s"):
        shop.go("orders", "contracted")


def test_nothing_measured_opens_no_gate(shop: Shop) -> None:
    with pytest.raises(GateClosedError, match="contract: nothing yet"):
        shop.go("orders", "contracted")


@pytest.mark.parametrize(
    ("percent", "action", "keys", "wait", "said"),
    [
        (100, "promote", 10, 61, "canary: stage: 100%; needed: 10%"),
        (10, "hold", 10, 61, "canary: decision: hold \\(as the sums say\\)"),
        (10, "promote", 4, 61, "canary: keys: 4; needed: at least 5"),
        (10, "promote", 10, 59, "canary: soak in seconds: 59"),
    ],
)
def test_a_stage_is_left_only_when_it_is_proven(
    shop: Shop, percent: float, action: str, keys: int, wait: int, said: str
) -> None:
    shop.go_to("canary:10")
    shop.now += timedelta(seconds=wait)
    shop.measure("sides")
    shop.measure_canary(percent, action, keys)
    with pytest.raises(GateClosedError, match=said):
        shop.go("orders", "canary:100")
    assert shop.values.share == 0.1


def test_what_an_earlier_canary_has_proven_counts_no_more(shop: Shop) -> None:
    shop.go_to("canary:10")
    shop.now += timedelta(seconds=61)
    shop.measure_canary(10)
    shop.go("orders", "shadow-read", back=True)
    shop.now += timedelta(seconds=1)
    shop.go_to("canary:10")
    shop.now += timedelta(seconds=61)
    shop.measure("sides")
    with pytest.raises(GateClosedError, match="canary: measured: before this stage began"):
        shop.go("orders", "canary:100")


def test_stages_are_not_skipped(shop: Shop) -> None:
    shop.go_to("shadow-read")
    with pytest.raises(EdgeMissingError, match="is shadow-read; from there it goes on to canary:10"):
        shop.go("orders", "canary:100")
    shop.go_to("canary:10")
    with pytest.raises(EdgeMissingError, match="is canary:10; from there it goes on to canary:100"):
        shop.go("orders", "switched")


@pytest.mark.parametrize(
    ("unit", "target", "error", "said"),
    [
        ("nobody", "contracted", UnitUnknownError, "there are orders, carts"),
        ("orders", "done", EdgeMissingError, "the states are discovered, contracted"),
        ("orders", "canary:7", EdgeMissingError, "stages are 10, 100"),
        ("orders", "switched:5", EdgeMissingError, "has no percent"),
        ("orders", "switched", EdgeMissingError, "goes on to contracted"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    shop: Shop, unit: str, target: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        shop.go(unit, target)
    assert shop.gateways.told == []


def test_edges_that_act_on_stores_are_refused_where_nobody_knows_the_stores(shop: Shop) -> None:
    for kind in ("contract", "replay", "lag", "verification"):
        record_measurement(shop.connection, shop.scope, "carts", kind, DATA[kind], at=shop.now)
    for state in ("contracted", "replayed", "synced"):
        shop.go("carts", state)
    with pytest.raises(ComesWithDataError, match="'stop the capture' of 'carts' moves the data of carts"):
        shop.go("carts", "replayed", back=True)
    with pytest.raises(EdgeMissingError, match="goes on to shadow-read"):
        shop.go("carts", "switched")


def ready_to_switch(shop: Shop) -> None:
    shop.go_to("canary:100")
    shop.now += timedelta(seconds=61)
    shop.measure("sides")
    shop.measure_canary(100)


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("when", ["die_before", "die_after"])
def test_a_switch_that_was_cut_short_is_finished_by_the_same_call(shop: Shop, place: int, when: str) -> None:
    ready_to_switch(shop)
    begun = len(shop.gateways.told)
    setattr(shop.gateways, when, begun + place + (when == "die_after"))
    with pytest.raises(Crash):
        shop.go("orders", "switched")
    with pytest.raises(
        TransitionOpenError, match="advancing to switched, or unwind it by going back to canary 100%"
    ):
        shop.go("orders", "ramp-down")
    assert shop.go("orders", "switched") == "finished"
    names = [name for name, _ in shop.gateways.told[begun:]]
    assert list(dict.fromkeys(names)) == ["arm", "hold", "flip", "release"]
    assert shop.values == UnitValues(7)
    assert shop.go("orders", "switched") == "nothing"
    assert holds(shop)


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("when", ["die_before", "die_after"])
def test_a_switch_that_was_cut_short_is_unwound_by_going_back(shop: Shop, place: int, when: str) -> None:
    ready_to_switch(shop)
    before, begun = shop.values, len(shop.gateways.told)
    setattr(shop.gateways, when, begun + place + (when == "die_after"))
    with pytest.raises(Crash):
        shop.go("orders", "switched")
    cut = len(shop.gateways.told)
    assert shop.go("orders", "canary:100", back=True) == "unwound"
    assert shop.values == before
    flipped = any(name == "flip" for name, _ in shop.gateways.told[begun:cut])
    last = [(name, values.held) for name, values in shop.gateways.told[cut:]]
    assert last[-1] == ("release", False)
    if flipped:
        assert last == [("hold", True), ("flip back", True), ("release", False)]
    assert holds(shop)


@pytest.mark.parametrize(
    ("step", "unwound"),
    [
        ("arm", ["release"]),
        ("hold", ["release"]),
        ("flip", ["hold", "flip back", "release"]),
    ],
)
def test_a_switch_that_a_gateway_does_not_follow_is_unwound_at_once(
    shop: Shop, step: str, unwound: list[str]
) -> None:
    ready_to_switch(shop)
    before = shop.values
    shop.gateways.deaf_to = step
    with pytest.raises(NotConfirmedError):
        shop.go("orders", "switched")
    names = [name for name, _ in shop.gateways.told]
    assert names[len(names) - names[::-1].index(step) :][-len(unwound) :] == unwound
    assert shop.values == before
    assert shop.rows(
        "SELECT phase FROM engine.unit_transitions WHERE org_id = %(org)s ORDER BY id DESC LIMIT 1"
    ) == [("undone",)]
    assert holds(shop)


def test_behind_the_flip_a_switch_is_left_to_be_finished(shop: Shop) -> None:
    ready_to_switch(shop)
    shop.gateways.deaf_to = "release"
    with pytest.raises(NotConfirmedError):
        shop.go("orders", "switched")
    assert (shop.values.state, shop.values.held) == (7, True)
    assert shop.go("orders", "switched") == "finished"
    assert shop.values == UnitValues(7)


def test_an_unwinding_that_was_cut_short_goes_on(shop: Shop) -> None:
    ready_to_switch(shop)
    before, begun = shop.values, len(shop.gateways.told)
    shop.gateways.die_after = begun + 3
    with pytest.raises(Crash):
        shop.go("orders", "switched")
    shop.gateways.die_after = begun + 5
    with pytest.raises(Crash):
        shop.go("orders", "canary:100", back=True)
    with pytest.raises(TransitionOpenError, match="is unwinding"):
        shop.go("orders", "switched")
    assert shop.go("orders", "canary:100", back=True) == "unwound"
    names = [name for name, _ in shop.gateways.told[begun + 3 :]]
    assert names == ["hold", "flip back", "flip back", "release"]
    assert shop.values == before
    assert holds(shop)


@pytest.mark.parametrize("place", range(3))
def test_a_crash_around_any_entry_of_the_journal_loses_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    """The entries of one publication: intent, step, effect; each dies with its transaction."""
    shop.measure("contract")
    left = [place + 1]
    real = journal_module.append

    def dying(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - stands for append
        if named["phase"] in {"intent", "step", "effect", "done"}:
            if left[0] == 0:
                left[0] = -1
                raise Crash
            left[0] -= 1
        return real(*arguments, **named)

    monkeypatch.setattr("caravan.migration.units.transition_rows.append", dying)
    with pytest.raises(Crash):
        shop.go("orders", "contracted")
    assert shop.go("orders", "contracted") in {"moved", "finished"}
    assert shop.values == UnitValues(1)
    assert shop.rows(
        "SELECT count(*) FROM engine.unit_transitions WHERE org_id = %(org)s AND phase <> 'done'"
    ) == [(0,)]
    assert holds(shop)


def test_the_inverse_is_stored_before_anything_acts(shop: Shop) -> None:
    ready_to_switch(shop)
    shop.gateways.die_before = len(shop.gateways.told)
    with pytest.raises(Crash):
        shop.go("orders", "switched")
    stored = shop.rows(
        "SELECT inverse FROM engine.unit_transitions WHERE org_id = %(org)s AND phase = 'acting'"
    )
    assert [step["name"] for step in stored[0][0]] == ["arm", "hold", "flip", "release"]
    assert stored[0][0][-1]["values"]["state"] == 6


def holds(shop: Shop) -> bool:
    return verify_chain(entry.as_json() for entry in entries(shop.connection, shop.scope)) is None


def test_the_journal_tells_the_whole_way_and_shows_every_change(shop: Shop) -> None:
    shop.measure("contract")
    shop.go("orders", "contracted")
    assert [phase for phase, _ in shop.journal()] == [
        "file read",
        "guard",
        "intent",
        "step",
        "effect",
        "done",
    ]
    printed = [entry.as_json() for entry in entries(shop.connection, shop.scope)]
    assert verify_chain(printed) is None
    for number, entry in enumerate(printed, start=1):
        forged = [*printed[: number - 1], {**entry, "by": "eve"}, *printed[number:]]
        broken = verify_chain(forged)
        assert broken is not None
        assert (broken.number, broken.said) == (number, f"entry {number} was changed")
    left_out = verify_chain([*printed[:2], *printed[3:]])
    assert left_out is not None
    assert "entry 3 is missing" in left_out.said


def test_the_journal_survives_a_change_in_the_database(shop: Shop) -> None:
    shop.measure("contract")
    shop.go("orders", "contracted")
    assert holds(shop)
    shop.connection.execute(
        "UPDATE engine.migration_journal SET facts = facts || '{\"x\": 1}' WHERE org_id = %(org)s AND number = 2",
        shop.scope.parameters,
    )
    assert not holds(shop)


def test_a_changed_file_is_noted_once(shop: Shop) -> None:
    shop.measure("contract")
    shop.go("orders", "contracted")
    shop.config = read_config_text(Path("migration.toml"), FILE.replace("soak = 60", "soak = 90"))
    for _ in range(2):
        shop.go("orders", "contracted")
    assert [phase for phase, _ in shop.journal()].count("file read") == 2
