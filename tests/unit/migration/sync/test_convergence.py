"""Whatever the interleaving, the target becomes what the source is; and the search would see it if a rule were wrong."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from caravan.migration.sync.places import Held, Place, change_wins, chunk_wins, snapshot_place
from tests.unit.migration.sync import model

PRODUCT = model.Rules()


@pytest.mark.parametrize(
    "bounds",
    [
        model.Bounds(keys=1, writes=3, loads=2),
        model.Bounds(keys=2, writes=3, loads=1),
    ],
)
def test_every_interleaving_within_small_bounds_converges(bounds: model.Bounds) -> None:
    states, way = model.explore(bounds, PRODUCT)
    assert way is None, " → ".join(way)
    assert states > 3_000


def _chunk_over_everything(_held: Held | None, _floor: Place | None, _snapshot: int) -> bool:
    return True


def _chunk_over_tombstones(held: Held | None, floor: Place | None, snapshot: int) -> bool:
    return chunk_wins(None if held is not None and held.deleted else held, floor, snapshot)


def _chunk_below_a_truncate(held: Held | None, _floor: Place | None, snapshot: int) -> bool:
    return chunk_wins(held, None, snapshot)


def _change_over_everything(_held: Held | None, _floor: Place | None, _incoming: Place) -> bool:
    return True


def _change_below_a_truncate(held: Held | None, _floor: Place | None, incoming: Place) -> bool:
    return change_wins(held, None, incoming)


def _change_only_into_rows(held: Held | None, floor: Place | None, incoming: Place) -> bool:
    return held is not None and change_wins(held, floor, incoming)


@pytest.mark.parametrize(
    "broken",
    [
        model.Rules(chunk=_chunk_over_everything),
        model.Rules(chunk=_chunk_over_tombstones),
        model.Rules(chunk=_chunk_below_a_truncate),
        model.Rules(change=_change_over_everything),
        model.Rules(change=_change_below_a_truncate),
        model.Rules(change=_change_only_into_rows),
        model.Rules(tombstones=False),
    ],
    ids=lambda broken: broken.change.__name__ + "-" + broken.chunk.__name__ + str(broken.tombstones),
)
def test_the_search_finds_a_rule_that_is_broken_on_purpose(broken: model.Rules) -> None:
    _, way = model.explore(model.Bounds(keys=1, writes=3, loads=2), broken)
    assert way, "the explorer would not notice this bug"


class Synchronisation(RuleBasedStateMachine):
    """Large bounds, random steps; at any moment finishing what is left must lead to the source's rows."""

    def __init__(self) -> None:
        super().__init__()
        self.state = model.begin(6, there=4)

    @rule(key=st.integers(0, 5), deletes=st.booleans())
    def write(self, key: int, *, deletes: bool) -> None:
        if not deletes or self.state.source[key] is not None:
            self.state = model.write(self.state, model.Entry(key, deletes))

    @rule()
    def truncate(self) -> None:
        self.state = model.write(self.state, model.Entry(model.ALL, deletes=True))

    @precondition(lambda self: self.state.start < 0)
    @rule()
    def start_capture(self) -> None:
        self.state = model.start_capture(self.state)

    @precondition(lambda self: self.state.start >= 0)
    @rule(behind=st.integers(0, 5))
    def start_load(self, behind: int) -> None:
        self.state = model.start_load(self.state, behind)

    @precondition(lambda self: self.state.loading is not None)
    @rule(keys=st.frozensets(st.integers(0, 5), min_size=1))
    def commit_chunk(self, keys: frozenset[int]) -> None:
        self.state = model.commit_chunk(self.state, keys, PRODUCT)

    @precondition(lambda self: 0 <= self.state.start < len(self.state.log))
    @rule(data=st.data(), moves=st.booleans())
    def deliver(self, data: st.DataObject, *, moves: bool) -> None:
        start, end = self.state.start, len(self.state.log)
        last = data.draw(st.integers(min(self.state.position + 1, end), end))
        batch = list(range(self.state.position + 1, last + 1))
        again = data.draw(st.lists(st.integers(start + 1, end), max_size=4))
        order = data.draw(st.permutations([*batch, *(each for each in again if each <= last)]))
        if order:
            self.state = model.deliver(self.state, tuple(order), PRODUCT, moves=moves)

    @invariant()
    def finishing_converges(self) -> None:
        state = self.state
        assert model.keeps_invariant(state), state
        if state.loading is None:
            return
        state = model.commit_chunk(state, state.loading.left, PRODUCT)
        left = tuple(range(state.position + 1, len(state.log) + 1))
        if left:
            state = model.deliver(state, left, PRODUCT, moves=True)
        assert model.converged(state), state


def test_random_interleavings_of_large_bounds_converge() -> None:
    run_state_machine_as_test(
        Synchronisation,
        settings=settings(max_examples=80, stateful_step_count=30, deadline=None, database=None),
    )


def test_a_snapshot_stands_behind_every_change_it_shows() -> None:
    assert Place(4, 10**9) < snapshot_place(4) < Place(5, 0)
    assert not change_wins(Held(snapshot_place(4)), None, Place(4, 7))
    assert change_wins(Held(snapshot_place(4)), None, Place(5, 0))
