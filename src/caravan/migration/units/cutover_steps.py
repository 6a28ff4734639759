"""The steps of a cutover: a table, and nothing else. The way back is the same table with the sides' roles swapped.

"The side that gives" loses write authority, "the side that takes" gains it. Before the flip everything is taken back when a step
fails; the flip is the point from which the only way is on.
"""

from dataclasses import dataclass, replace
from typing import Final

from caravan.migration.units.values import Step, UnitValues

__all__ = [
    "CUTOVER",
    "FLIP",
    "HOLD",
    "CutoverStep",
    "cutover_steps",
    "cutover_unwinding",
    "flip_index",
    "is_cutover",
]

FLIP: Final = "flip"
HOLD: Final = "hold"


@dataclass(frozen=True, slots=True)
class CutoverStep:
    """One step: ``effect`` is what a performer does (empty: a version of the route table), ``undo`` the effect that takes it back.

    ``does``, ``known_done`` (how a second call sees that it is done) and ``undone`` are for people. ``late`` undos run when the
    held writes have been let go: clients do not wait for them.
    """

    number: str
    name: str
    does: str
    known_done: str
    undone: str
    effect: str = ""
    undo: str = ""
    late: bool = False


CUTOVER: Final = (
    CutoverStep(
        "1",
        "preflight",
        "lag, age of the verification, disk, health of both sides, the way back, other writers; sequences are set far ahead, and"
        " what changed since the verification is compared, so that less is left to do while writes are held",
        "it is asked again: sequences that are far enough stay",
        "the flow goes on as before",
        effect="preflight",
        undo="carry on",
        late=True,
    ),
    CutoverStep(
        "2",
        "arm",
        "every gateway process confirms that it will refuse the unit's writes should it lose its lease",
        "the route table says so",
        "the route table as it was",
    ),
    CutoverStep(
        "3",
        HOLD,
        "every gateway process holds the unit's writes and has none on its way; reads go on",
        "the route table says so",
        "the held writes go to the side that had them",
    ),
    CutoverStep(
        "4",
        "fence",
        "the store of the side that gives refuses writes of everybody but the flow",
        "the fence with this transition's id is complete",
        "the fence is taken down",
        effect="fence",
        undo="unfence",
    ),
    CutoverStep(
        "4b",
        "wait",
        "no transaction that began before the fence touches the tables any more",
        "none is listed",
        "nothing to undo",
        effect="wait",
    ),
    CutoverStep(
        "5",
        "stop position",
        "where the log of the side that gives ends now",
        "it is read again: behind a fence it is the same",
        "nothing to undo",
        effect="stop position",
    ),
    CutoverStep(
        "6",
        "apply",
        "the flow applies up to exactly that position and stands still",
        "the flow's position is the stop position",
        "the flow goes on as before",
        effect="apply",
        undo="carry on",
        late=True,
    ),
    CutoverStep(
        "7",
        "verify",
        "rows that changed since they were verified last are compared on both sides",
        "it only reads; it is asked again",
        "nothing to undo",
        effect="verify",
    ),
    CutoverStep(
        "8",
        "sequences",
        "sequences of the side that takes are behind every key there is, with a margin",
        "they are far enough",
        "nothing to undo: a gap in a sequence harms nobody",
        effect="sequences",
    ),
    CutoverStep(
        "9",
        "capture back",
        "the flow of the other direction begins at the position of the side that takes",
        "it runs, and began at or before that position",
        "it only watches again",
        effect="capture back",
        undo="no capture back",
        late=True,
    ),
    CutoverStep(
        "9b",
        "open",
        "a fence of ours on the side that takes is taken down",
        "there is none",
        "it is put up again",
        effect="open",
        undo="close",
        late=True,
    ),
    CutoverStep(
        "10",
        FLIP,
        "one version of the route table gives authority to the other side; writes are still held",
        "the route table says so",
        "from here on the way is forward: finish, or the same steps the other way",
    ),
    CutoverStep(
        "11",
        "release",
        "held writes go on to the side that has authority now",
        "the route table says so",
        "the same steps the other way",
    ),
    CutoverStep(
        "11b",
        "settle",
        "the flow that was drained only watches for foreign writes; the fence of the old store stays, that of the new one goes",
        "flow and fence are so",
        "the same steps the other way",
        effect="settle",
    ),
    CutoverStep(
        "12",
        "watch",
        "both sides answer, the flow back runs, nobody else writes on the passive side",
        "it only reads; it is asked again",
        "the same steps the other way",
        effect="watch",
    ),
)

_LATE: Final = {step.undo for step in CUTOVER if step.late}


def cutover_steps(before: UnitValues, after: UnitValues) -> list[Step]:
    """Return the steps between these values; from ``arm`` on each carries what gateways know while it is done."""
    armed = replace(before, armed=True)
    held = replace(before, armed=True, held=True)
    known = {"preflight": before, "arm": armed, FLIP: replace(after, armed=True, held=True)}
    behind = {"release", "settle", "watch"}
    return [
        Step(step.name, known.get(step.name, after if step.name in behind else held), step.effect, step.undo)
        for step in CUTOVER
    ]


def is_cutover(steps: list[Step]) -> bool:
    """Tell whether these are the steps of a cutover: a flip among acts on data."""
    return any(step.name == FLIP for step in steps) and any(step.effect for step in steps)


def flip_index(steps: list[Step]) -> int:
    """Return the number of the flip."""
    return next(number for number, step in enumerate(steps) if step.name == FLIP)


def cutover_unwinding(before: UnitValues, steps: list[Step], done_steps: int) -> list[Step]:
    """Return what leads back from a cutover that has not flipped, of which so many steps are done and perhaps one more.

    First what clients wait for: the fence is taken down, the held writes are let go. Then the rest.
    """
    begun = [step for step in reversed(steps[: done_steps + 1]) if step.name != FLIP]
    held = replace(before, armed=True, held=True)
    first = [Step(step.undo, held, step.undo) for step in begun if step.undo and step.undo not in _LATE]
    release = [Step("release", before)] if any(not step.effect for step in begun) else []
    late = dict.fromkeys(step.undo for step in begun if step.undo in _LATE)
    return [*first, *release, *(Step(undo, before, undo) for undo in late)]
