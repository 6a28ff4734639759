"""The table of states: every edge can be undone but the last, and nobody gets around a gate."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from caravan.migration.config import Gates, Unit, Waiver
from caravan.migration.units.cutover_steps import CUTOVER, cutover_steps, cutover_unwinding, flip_index
from caravan.migration.units.errors import CompleteIsFinalError
from caravan.migration.units.guards import Check, GuardInput, checks_of
from caravan.migration.units.measurements import Measurement, stage_name
from caravan.migration.units.states import EDGES, STATES, Edge, edge_back, edges_from
from caravan.migration.units.values import Step, UnitValues, steps_between, unwinding_steps
from caravan.migration.units.ways import Target, reached, target_text, way_to, ways_from

GATES = Gates(stages=(1, 50))


def test_states_are_numbered_as_they_stand() -> None:
    assert [state.number for state in STATES] == list(range(10))
    assert len({state.name for state in STATES}) == 10


@pytest.mark.parametrize("has_data", [False, True])
def test_from_every_state_but_the_last_an_edge_leads_back(has_data: bool) -> None:
    for edge in EDGES:
        fits = edge.needs == "any" or (edge.needs == "data") == has_data
        if edge.back or not fits or edge.target == edge.source:
            continue
        back = edge_back(edge, has_data=has_data)
        if STATES[edge.target].name == "complete":
            assert back is None
        else:
            assert back is not None
            assert back.target < edge.target


def test_edges_forward_have_guards_and_edges_back_have_none() -> None:
    for edge in EDGES:
        assert bool(edge.guards) != edge.back, edge.name


@pytest.mark.parametrize(
    ("has_data", "way"),
    [(False, [0, 1, 2, 4, 6, 7]), (True, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])],
)
def test_a_unit_has_one_way_forward(has_data: bool, way: list[int]) -> None:
    passed = [0]
    while forward := [
        edge.target
        for edge in edges_from(passed[-1], has_data=has_data)
        if not edge.back and edge.target != edge.source
    ]:
        assert len(forward) == 1
        passed += forward
    assert passed == way


def test_a_canary_goes_through_its_stages_and_then_switches() -> None:
    unit = Unit(name="orders")
    values, seen = UnitValues(4), []
    while values.state != 7:
        (way,) = [way for way in ways_from(unit, values, GATES, "salt") if not way.edge.back]
        values = way.after
        seen.append(target_text(values, GATES))
    assert seen == ["canary:1", "canary:50", "switched"]


@pytest.mark.parametrize(
    ("text", "values", "there"),
    [
        ("canary", UnitValues(6, 2, 0.5), True),
        ("canary:50", UnitValues(6, 2, 0.5), True),
        ("canary:50%", UnitValues(6, 2, 0.5), True),
        ("canary:1", UnitValues(6, 2, 0.5), False),
        ("switched", UnitValues(6, 2, 0.5), False),
        ("switched", UnitValues(7), True),
    ],
)
def test_a_target_is_reached_or_not(text: str, values: UnitValues, there: bool) -> None:
    assert reached(values, Target.parse(text, GATES), GATES) is there


def test_writes_are_held_on_both_sides_of_every_flip() -> None:
    old, new = UnitValues(6, 2, 1.0, "s"), UnitValues(7)
    for before, after in ((old, new), (new, UnitValues(4))):
        steps = [before, *(step.values for step in steps_between(before, after, "switch"))]
        for one, two in pairwise(steps):
            if (one.state >= 7) != (two.state >= 7):
                assert one.held
                assert two.held
        assert steps[-1] == after


@pytest.mark.parametrize("done", range(5))
def test_unwinding_flips_only_under_a_hold_and_ends_where_it_began(done: int) -> None:
    before, after = UnitValues(6, 2, 1.0, "s"), UnitValues(7)
    steps = steps_between(before, after, "switch")
    in_force = [before, *(step.values for step in steps)][done]
    unwound = unwinding_steps(before, after, steps, done)
    assert unwound[-1].values == before
    present = in_force
    for step in unwound:
        if (present.state >= 7) != (step.values.state >= 7):
            assert step.values.held
        present = step.values


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def looked(guard: str, figures: dict[str, Any] | None, *, age: float = 0, entered: float = 60) -> list[Check]:
    found = {guard: Measurement(guard, NOW - timedelta(seconds=age), figures)} if figures is not None else {}
    return checks_of((guard,), GuardInput(GATES, NOW, NOW - timedelta(seconds=entered), 0, found))


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.name)
def test_every_guard_of_every_edge_is_closed_while_nothing_is_measured(edge: Edge) -> None:
    for guard in edge.guards:
        assert not all(check.passed for check in looked(guard, None, entered=0)), guard


@pytest.mark.parametrize(
    ("guard", "good", "bad"),
    [
        ("lag", {"running": True, "seconds": 4.9}, {"running": False}),
        ("lag", {"running": True, "seconds": 4.9}, {"seconds": 5.1}),
        ("verification", {"rows": 10, "differing": 0}, {"differing": 1}),
        ("verification", {"rows": 10, "differing": 0}, {"rows": None}),
        ("effects", {"judged": 5, "mismatched": 0}, {"mismatched": 1}),
        ("drill", {"passed": True, "lost_and_doubled": 0}, {"passed": False}),
        ("drill", {"passed": True, "lost_and_doubled": 0}, {"lost_and_doubled": 1}),
        ("consent", {"by": "ann", "said": "yes"}, {"said": ""}),
        ("consent", {"by": "ann", "said": "yes"}, {"by": None}),
    ],
)
def test_the_guards_of_data_open_and_close(guard: str, good: dict[str, Any], bad: dict[str, Any]) -> None:
    assert all(check.passed for check in looked(guard, good))
    assert not all(check.passed for check in looked(guard, {**good, **bad}))


def test_a_drill_may_be_older_than_other_measurements() -> None:
    drill = {"passed": True, "lost_and_doubled": 0}
    assert all(check.passed for check in looked("drill", drill, age=GATES.fresh + 1))
    assert not all(check.passed for check in looked("drill", drill, age=GATES.drill + 1))


def test_a_yes_from_before_the_ramp_down_is_no_consent() -> None:
    said = looked("consent", {"by": "ann", "said": "yes"}, age=120, entered=60)
    assert [check.measured for check in said if not check.passed] == ["before this state began"]


def test_the_soak_is_the_time_in_the_state() -> None:
    assert [check.passed for check in looked("soak", None, entered=GATES.soak)] == [True]
    assert [check.passed for check in looked("soak", None, entered=GATES.soak - 1)] == [False]


OLD, NEW = UnitValues(6, 2, 1.0, "s"), UnitValues(7)


@pytest.mark.parametrize(("before", "after"), [(OLD, NEW), (NEW, UnitValues(4))])
def test_a_cutover_holds_writes_from_before_the_fence_until_behind_the_flip(
    before: UnitValues, after: UnitValues
) -> None:
    steps = cutover_steps(before, after)
    names = [step.name for step in steps]
    assert names == [step.name for step in CUTOVER]
    held = [step.name for step in steps if step.values.held]
    assert held == names[names.index("hold") : names.index("release")]
    flip = flip_index(steps)
    assert {step.values.state for step in steps[:flip]} == {before.state}
    assert {step.values.state for step in steps[flip:]} == {after.state}
    assert steps[-1].values == after


@pytest.mark.parametrize("done", range(flip_index(cutover_steps(OLD, NEW)) + 1))
def test_unwinding_a_cutover_takes_the_fence_down_before_it_lets_clients_go_and_the_rest_after(
    done: int,
) -> None:
    steps = cutover_steps(OLD, NEW)
    unwound = [step.name for step in cutover_unwinding(OLD, steps, done)]
    assert len(unwound) == len(set(unwound))
    assert "carry on" in unwound
    begun = [step.name for step in steps[: done + 1]]
    for act, undo in (("fence", "unfence"), ("capture back", "no capture back"), ("open", "close")):
        assert (undo in unwound) == (act in begun)
    if "arm" in begun:
        release = unwound.index("release")
        assert all(unwound.index(undo) < release for undo in unwound if undo == "unfence")
        assert all(unwound.index(undo) > release for undo in unwound if undo not in {"unfence", "release"})
    assert all(step.values.state == OLD.state for step in cutover_unwinding(OLD, steps, done))


def test_a_publication_is_written_as_before_there_were_effects() -> None:
    """A transition that an older version left open goes on, and gateways' steps are compared by what is written."""
    step = Step("hold", OLD)
    assert step.as_json() == {"name": "hold", "values": OLD.as_json()}
    acts = Step("fence", OLD, "fence", "unfence")
    assert Step.from_json(acts.as_json()) == acts


def test_nothing_leads_back_from_complete_and_it_is_said_what_can_still_be_done() -> None:
    unit = Unit(name="orders", data_sets=("orders",))
    with pytest.raises(CompleteIsFinalError) as final:
        way_to(unit, UnitValues(9), Target(8), GATES, back=True, salt="")
    assert "old store stands fenced" in final.value.fix


def test_stages_have_the_names_that_decisions_carry() -> None:
    assert [stage_name(percent) for percent in (1.0, 0.5, 25.0, 100.0)] == ["1%", "0.5%", "25%", "100%"]


def test_a_waived_guard_passes_unmeasured_and_names_who_answers_for_it() -> None:
    waiver = Waiver.model_validate({"class": "guard:effects", "owner": "ann", "reason": "no dry runs there"})
    given = GuardInput(GATES, NOW, NOW, 0, {}, {"effects": waiver})
    (check,) = checks_of(("effects",), given)
    assert (check.passed, check.measured) == (True, "waived by ann: no dry runs there")
    assert not all(one.passed for one in checks_of(("lag",), given))


@pytest.mark.parametrize(
    "guard", ["lag", "verification", "sides", "canary", "soak", "drill", "consent", "everything"]
)
def test_what_keeps_data_or_clients_safe_cannot_be_waived(guard: str) -> None:
    with pytest.raises(ValidationError, match="cannot be waived; those that can are guard:contract"):
        Waiver.model_validate({"class": f"guard:{guard}", "owner": "ann", "reason": "in a hurry"})
