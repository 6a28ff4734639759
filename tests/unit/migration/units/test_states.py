"""The table of states: every edge can be undone but the last, and nobody gets around a gate."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from caravan.migration.config import Gates, Unit
from caravan.migration.units.guards import GuardInput, checks_of
from caravan.migration.units.measurements import stage_name
from caravan.migration.units.states import EDGES, STATES, edge_back, edges_from
from caravan.migration.units.values import UnitValues, steps_between, unwinding_steps
from caravan.migration.units.ways import Target, reached, target_text, ways_from

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


def test_a_guard_that_nobody_can_measure_yet_is_closed() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    (check,) = checks_of(("drill",), GuardInput(GATES, now, now, 0, {}))
    assert (check.passed, check.needed) == (False, "comes with data sets")


def test_stages_have_the_names_that_decisions_carry() -> None:
    assert [stage_name(percent) for percent in (1.0, 0.5, 25.0, 100.0)] == ["1%", "0.5%", "25%", "100%"]
