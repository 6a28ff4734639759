"""A synchronisation as a small state machine: a source that is written to, a load by chunks, a flow of changes, crashes.

What decides is the product's: ``caravan.migration.sync.places``. The model adds what surrounds it. The log is a list of changes,
the place of each is its index from 1. A transaction of the target is atomic, so a crash is the loss of what was only in memory:
the model keeps nothing in memory, and lets any batch be read and applied at any time. What a crash between rows and position leaves,
where a store cannot commit both together, is a batch that is applied without moving the position, and applied again later.

The claim (docs/guide/sync.md has the argument): in every state in which all chunks are committed and the flow stands at the end of
the log, the target holds what the source holds.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Final, NamedTuple, TypeAlias

from caravan.migration.sync.places import Held, Place, change_wins, chunk_wins

ALL: Final = -1
"""The key of a truncate."""

Value: TypeAlias = int | None
"""The number of the change that wrote the row, None where there is no row."""

Rows: TypeAlias = tuple[Value, ...]


class Entry(NamedTuple):
    """One change of the log: an upsert or a delete of a key, or a truncate."""

    key: int
    deletes: bool


class Loading(NamedTuple):
    """A load under way: what its snapshot shows, the position it states, the keys it has not committed yet."""

    rows: Rows
    stated: int
    left: frozenset[int]


class State(NamedTuple):
    """``first``, ``source`` and ``target`` by key: what the source had, has, and what came of it; ``start`` is where capture began, -1 before it; ``position`` what the flow has committed."""

    log: tuple[Entry, ...]
    first: Rows
    source: Rows
    target: Rows
    held: tuple[Held | None, ...]
    floor: Place | None = None
    start: int = -1
    position: int = -1
    loading: Loading | None = None
    loads: int = 0


@dataclass(frozen=True)
class Rules:
    """What decides; the product's rules unless a test breaks one on purpose."""

    change: Callable[[Held | None, Place | None, Place], bool] = change_wins
    chunk: Callable[[Held | None, Place | None, int], bool] = chunk_wins
    tombstones: bool = True


@dataclass(frozen=True)
class Bounds:
    """``behind``: by how much a snapshot may state a position before the one it shows."""

    keys: int = 2
    writes: int = 3
    loads: int = 2
    batch: int = 2
    behind: int = 1
    truncates: bool = True


def begin(keys: int, there: int = 1) -> State:
    """Return a source in which the first keys have rows that are older than the log."""
    source = tuple(0 if key < there else None for key in range(keys))
    return State((), source, source, (None,) * keys, (None,) * keys)


def write(state: State, entry: Entry) -> State:
    """The source commits a change."""
    log = (*state.log, entry)
    value = None if entry.deletes else len(log)
    if entry.key == ALL:
        source: Rows = (None,) * len(state.source)
    else:
        source = _with(state.source, entry.key, value)
    return state._replace(log=log, source=source)


def start_capture(state: State) -> State:
    """The flow begins where the log stands now."""
    return state._replace(start=len(state.log), position=len(state.log))


def start_load(state: State, behind: int) -> State:
    """A load takes its snapshot; whatever an earlier one had not committed is given up."""
    stated = max(state.start, len(state.log) - behind)
    keys = frozenset(range(len(state.source)))
    return state._replace(loading=Loading(state.source, stated, keys), loads=state.loads + 1)


def commit_chunk(state: State, keys: frozenset[int], rules: Rules) -> State:
    """A chunk of the load commits: the rows that the snapshot shows among these keys."""
    loading = state.loading
    assert loading is not None
    target, held = list(state.target), list(state.held)
    for key in keys:
        if loading.rows[key] is not None and rules.chunk(held[key], state.floor, loading.stated):
            target[key] = loading.rows[key]
            held[key] = Held(Place(loading.stated, 1))
    left = loading.left - keys
    return state._replace(target=tuple(target), held=tuple(held), loading=loading._replace(left=left))


def deliver(state: State, numbers: tuple[int, ...], rules: Rules, *, moves: bool) -> State:
    """A transaction of the target applies these changes in this order; the position moves with it unless a crash keeps it."""
    target, held, floor = list(state.target), list(state.held), state.floor
    for number in numbers:
        entry, place = state.log[number - 1], Place(number, 0)
        if entry.key == ALL:
            if floor is None or floor < place:
                floor = place
            for key, has in enumerate(held):
                if has is None or has.place < place:
                    target[key], held[key] = None, None
        elif rules.change(held[entry.key], floor, place):
            target[entry.key] = None if entry.deletes else number
            keeps = rules.tombstones or not entry.deletes
            held[entry.key] = Held(place, deleted=entry.deletes) if keeps else None
    position = max(state.position, *numbers) if moves else state.position
    return state._replace(target=tuple(target), held=tuple(held), floor=floor, position=position)


def is_done(state: State) -> bool:
    """Tell whether the load has ended and the flow stands at the end of the log."""
    return state.loading is not None and not state.loading.left and state.position == len(state.log)


def converged(state: State) -> bool:
    """Tell whether the target holds what the source holds."""
    return state.target == state.source


def keeps_invariant(state: State) -> bool:
    """Tell whether each row holds what its place says, and no change up to the position is missing from it."""
    for key, held in enumerate(state.held):
        own = [
            Place(number, 0)
            for number, entry in enumerate(state.log, start=1)
            if entry.key in (key, ALL) and state.start < number <= state.position
        ]
        reached = [place for place in (held.place if held else None, state.floor) if place is not None]
        if own and (not reached or max(reached) < own[-1]):
            return False
        if held is not None and state.target[key] not in _contents(state, key, held):
            return False
    return True


def _contents(state: State, key: int, held: Held) -> set[Value]:
    """Return what the row may hold: what the source had at its place, or until its snapshot was really taken."""
    value = state.first[key]
    found = set()
    last = held.place.number if held.place.step == 0 else len(state.log)
    for number in range(len(state.log) + 1):
        if number:
            entry = state.log[number - 1]
            if entry.key in (key, ALL):
                value = None if entry.deletes else number
        if held.place.number <= number <= last:
            found.add(value)
    return found


def successors(state: State, bounds: Bounds, rules: Rules) -> Iterator[tuple[str, State]]:
    """Yield every state that one step leads to, with the step in words."""
    if len(state.log) < bounds.writes:
        yield from _writes(state, bounds)
    if state.start < 0:
        yield "capture begins", start_capture(state)
        return
    if state.loads < bounds.loads:
        for behind in range(bounds.behind + 1):
            yield f"load begins, its snapshot states {behind} before", start_load(state, behind)
    if state.loading is not None:
        for key in state.loading.left:
            yield f"chunk with key {key} commits", commit_chunk(state, frozenset({key}), rules)
    yield from _deliveries(state, bounds, rules)


def _writes(state: State, bounds: Bounds) -> Iterator[tuple[str, State]]:
    for key in range(bounds.keys):
        yield f"source writes {key}", write(state, Entry(key, deletes=False))
        if state.source[key] is not None:
            yield f"source deletes {key}", write(state, Entry(key, deletes=True))
    if bounds.truncates:
        yield "source truncates", write(state, Entry(ALL, deletes=True))


def _deliveries(state: State, bounds: Bounds, rules: Rules) -> Iterator[tuple[str, State]]:
    """The next changes, in any order, with the position or without; and any one of those before, once more."""
    end = len(state.log)
    for last in range(state.position + 1, min(end, state.position + bounds.batch) + 1):
        batch = tuple(range(state.position + 1, last + 1))
        for order in permutations(batch):
            yield f"flow applies {order}", deliver(state, order, rules, moves=True)
        yield f"flow applies {batch} and crashes", deliver(state, batch, rules, moves=False)
    for number in range(state.start + 1, state.position + 1):
        yield f"flow applies {number} again", deliver(state, (number,), rules, moves=False)


def explore(bounds: Bounds, rules: Rules, *, there: int = 1) -> tuple[int, list[str] | None]:
    """Visit every reachable state; returns how many, and the steps to one that is wrong, None where there is none.

    Wrong is a state that is done and has not converged, or one that does not keep the invariant.
    """
    first = begin(bounds.keys, there)
    came: dict[State, tuple[State, str] | None] = {first: None}
    waiting = deque([first])
    while waiting:
        state = waiting.popleft()
        if (is_done(state) and not converged(state)) or not keeps_invariant(state):
            return len(came), _way_to(state, came)
        for step, after in successors(state, bounds, rules):
            if after not in came:
                came[after] = (state, step)
                waiting.append(after)
    return len(came), None


def _way_to(state: State, came: Mapping[State, tuple[State, str] | None]) -> list[str]:
    steps: list[str] = []
    while (before := came[state]) is not None:
        state, step = before
        steps.append(step)
    return steps[::-1]


def _with(rows: Rows, key: int, value: Value) -> Rows:
    return (*rows[:key], value, *rows[key + 1 :])
