"""The ten states of a unit and the edges between them: a table, and nothing else.

A unit without data needs no copy and no capture; its way is 0, 1, 2, 4, 6, 7.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

__all__ = [
    "CANARY",
    "DISCOVERED",
    "EDGES",
    "STATES",
    "SWITCHED",
    "Edge",
    "Protocol",
    "State",
    "edge_back",
    "edges_from",
    "state_named",
]

Protocol: TypeAlias = Literal["publish", "switch", "cutover"]
"""How an edge acts: one publication; arm, hold, flip, release; or these with the data among them (``cutover_steps``)."""

Needs: TypeAlias = Literal["no data", "data", "any"]

DISCOVERED: Final = 0
CONTRACTED: Final = 1
REPLAYED: Final = 2
SYNCED: Final = 3
SHADOW_READ: Final = 4
SHADOW_WRITE: Final = 5
CANARY: Final = 6
SWITCHED: Final = 7
RAMP_DOWN: Final = 8
COMPLETE: Final = 9


@dataclass(frozen=True, slots=True)
class State:
    """What holds in a state, for people; ``enter`` is what must be true to get there."""

    number: int
    name: str
    reads: str
    writes: str
    data: str
    enter: str


STATES: Final = (
    State(DISCOVERED, "discovered", "old", "old", "none", "seen in traffic"),
    State(CONTRACTED, "contracted", "old", "old", "none", "contract frozen, coverage reached"),
    State(REPLAYED, "replayed", "old", "old", "copy", "offline replay without an unexplained difference"),
    State(
        SYNCED,
        "synced",
        "old",
        "old",
        "backfill and forward capture",
        "lag below its gate, verification clean",
    ),
    State(
        SHADOW_READ, "shadow-read", "old", "old", "forward", "no evidence against any field, coverage reached"
    ),
    State(
        SHADOW_WRITE,
        "shadow-write",
        "old",
        "old; on the new side in a transaction that is rolled back",
        "forward",
        "effects of writes are the same on both sides",
    ),
    State(
        CANARY,
        "canary",
        "members of the cohort: new",
        "old has authority, or each cohort its own side",
        "forward",
        "each stage proven safe before the next",
    ),
    State(
        SWITCHED,
        "switched",
        "new",
        "new",
        "reverse: old kept current",
        "the last stage proven safe, then the switch",
    ),
    State(
        RAMP_DOWN,
        "ramp-down",
        "new",
        "new",
        "reverse, old read-only",
        "soak over, reverse verification clean",
    ),
    State(COMPLETE, "complete", "new", "new", "stopped", "drill passed in time, and a human says yes"),
)


@dataclass(frozen=True, slots=True)
class Edge:
    """One way from state to state. ``guards`` name the checks of ``guards.py``; ``back`` edges have none: the way back is open.

    ``needs`` tells for which units it is. ``effect`` is an act on data that comes before the publication.
    """

    name: str
    source: int
    target: int
    guards: tuple[str, ...] = ()
    protocol: Protocol = "publish"
    needs: Needs = "no data"
    back: bool = False
    effect: str = ""

    @property
    def comes_with_data(self) -> bool:
        """Whether it acts on stores: it is gone by ``caravan cutover``, which knows them."""
        return self.protocol == "cutover" or bool(self.effect)


EDGES: Final = (
    Edge("contract", DISCOVERED, CONTRACTED, ("contract",), needs="any"),
    Edge("replay", CONTRACTED, REPLAYED, ("replay",), needs="any"),
    Edge("sync", REPLAYED, SYNCED, ("lag", "verification"), needs="data"),
    Edge("shadow reads", REPLAYED, SHADOW_READ, ("shadow",)),
    Edge("shadow reads of synced data", SYNCED, SHADOW_READ, ("shadow",), needs="data"),
    Edge("shadow writes", SHADOW_READ, SHADOW_WRITE, ("effects",), needs="data"),
    Edge("open the canary", SHADOW_READ, CANARY, ("shadow", "sides")),
    Edge(
        "open the canary over synced data", SHADOW_WRITE, CANARY, ("shadow", "effects", "sides"), needs="data"
    ),
    Edge("widen the canary", CANARY, CANARY, ("canary", "sides"), needs="any"),
    Edge("switch", CANARY, SWITCHED, ("canary", "sides"), protocol="switch"),
    Edge(
        "cut over",
        CANARY,
        SWITCHED,
        ("canary", "sides", "lag", "verification"),
        protocol="cutover",
        needs="data",
    ),
    Edge("ramp down", SWITCHED, RAMP_DOWN, ("soak", "verification"), needs="data", effect="keep fenced"),
    Edge("complete", RAMP_DOWN, COMPLETE, ("drill", "consent"), needs="data", effect="end the flow back"),
    Edge("drop the contract", CONTRACTED, DISCOVERED, needs="any", back=True),
    Edge("drop the replay", REPLAYED, CONTRACTED, needs="any", back=True),
    Edge("stop the capture", SYNCED, REPLAYED, needs="data", back=True, effect="stop the capture"),
    Edge("stop shadowing reads", SHADOW_READ, REPLAYED, back=True),
    Edge("stop shadowing reads of synced data", SHADOW_READ, SYNCED, needs="data", back=True),
    Edge("stop shadowing writes", SHADOW_WRITE, SHADOW_READ, needs="data", back=True),
    Edge("close the canary", CANARY, SHADOW_READ, needs="any", back=True),
    Edge("switch back", SWITCHED, SHADOW_READ, protocol="switch", back=True),
    Edge("cut back", SWITCHED, SHADOW_READ, protocol="cutover", needs="data", back=True),
    Edge("reopen the old side", RAMP_DOWN, SWITCHED, needs="data", back=True),
)
"""From ``complete`` no edge leads back: it is the only state that cannot be left."""


def edges_from(state: int, *, has_data: bool) -> Iterator[Edge]:
    """Yield the edges that a unit has in this state, forward ones first."""
    for back in (False, True):
        for edge in EDGES:
            fits = edge.needs == "any" or (edge.needs == "data") == has_data
            if edge.source == state and edge.back == back and fits:
                yield edge


def edge_back(edge: Edge, *, has_data: bool) -> Edge | None:
    """Return the way back from where ``edge`` leads; None where there is none."""
    return next((each for each in edges_from(edge.target, has_data=has_data) if each.back), None)


def state_named(name: str) -> State | None:
    """Return the state of this name."""
    return next((state for state in STATES if state.name == name), None)
