"""Cutovers killed between any two of their acts: there, back, while they are undone, and while they are finished."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from random import Random
from signal import SIGKILL, SIGTERM
from typing import ClassVar, Final, Literal, TypeAlias
from uuid import uuid4

from bench.crashes.front import Clients, gateway_before, reserved_port, served
from bench.crashes.pair import Pair, carry_both, made_pair
from bench.crashes.points import Point
from bench.crashes.scene import Case, Outcome, Scene
from bench.crashes.unit_state import (
    UNIT,
    caught_up,
    cutovers_of,
    move,
    place_at_canary,
    problems_of,
    state_of,
)
from bench.crashes.writers import Writer
from caravan.entry.tenants import ensured_tenants
from caravan.migration.sync import begin
from caravan.migration.sync.flows import Direction
from caravan.migration.units import CUTOVER
from caravan.migration.units.cutover_steps import FLIP
from caravan.migration.units.states import SWITCHED

__all__ = ["SCENES", "CutoverScene"]

Command: TypeAlias = Literal["switch", "reverse"]

_ROWS: Final = 25
_DIRECTIONS: Final[tuple[Direction, ...]] = ("forward", "reverse")
_STRAYS: Final = 12
_LONGEST: Final = 1.2
_TRIES: Final = 3
_MORE: Final = """
[legacy]
base_url = "{old}"
[new]
base_url = "{new}"
[[units]]
name = "shop"
data_sets = ["customers", "orders"]
lag = 30
[[routes]]
template = "/orders"
methods = ["POST"]
effect = "write"
key = "header:X-Client"
unit = "shop"
[gates]
stages = [100]
min_keys = 1
soak = 0
lag = 30
[gateway]
hold_seconds = 60
"""
_ROWS_OF: Final = "units.transition_rows:TransitionRows."
_ACT: Final = "units.transitions:Coordinator._do"
_UNDOING: Final = ("unfence", "release", "close", "no capture back", "carry on")
"""What takes a cutover back that was about to flip, in this order."""


def _of_step(name: str, step: str, does: str) -> Iterator[Point]:
    plain = f"{name}.{step.replace(' ', '-')}"
    yield Point(f"{plain}.intent", f"said: {does}", f"{_ROWS_OF}intend", only=step)
    yield Point(f"{plain}.effect", f"done, not noted: {does}", _ACT, only=step)
    yield Point(f"{plain}.done", f"noted: {does}", f"{_ROWS_OF}did", only=step)


def _points(command: Command) -> Iterator[Point]:
    name = f"cutover.{command}"
    yield Point(
        f"{name}.decided", "the guard let it through, no way is written down", f"{_ROWS_OF}begin", "before"
    )
    yield Point(f"{name}.begun", "the way and its inverse are written down", f"{_ROWS_OF}begin")
    for step in CUTOVER:
        yield from _of_step(name, step.name, f"{step.number} {step.name}")
    yield Point(
        f"{name}.ending", "all steps are done, the unit is not where it goes", f"{_ROWS_OF}end", "before"
    )
    yield Point(f"{name}.ended", "the unit is there", f"{_ROWS_OF}end")
    undo = f"cutover.{command}-undone"
    yield Point(f"{undo}.begun", "from here on it is undone", f"{_ROWS_OF}unwind")
    for effect in _UNDOING:
        yield from _of_step(undo, effect, effect)
    yield Point(f"{undo}.ending", "it is undone, the unit is not where it was", f"{_ROWS_OF}end", "before")


class CutoverScene(Scene):
    """One unit before a real gateway, its flows carried by a process, people and strangers writing all the time."""

    area: ClassVar[str] = "cutover"
    points: ClassVar[Sequence[Point]] = (*_points("switch"), *_points("reverse"))

    def begin(self) -> None:
        address = self.database()
        old_side, new_side = (self.open.enter_context(served()) for _ in range(2))
        self.sides = {"old": old_side, "new": new_side}
        old = self.old_store()
        name = f"crash-{uuid4().hex[:10]}"
        org, _ = ensured_tenants(address, name, None)
        more = _MORE.format(old=old_side.url, new=new_side.url)
        pair = made_pair(old, address, self.folder / "pair", org=org, more=more, code=name)
        self.pair: Pair = pair
        old_side.store, new_side.store = pair.old, pair.new
        for direction in _DIRECTIONS:
            begin(pair.setting(direction))
        Writer(pair.old, 1, "first").write(_ROWS)
        self.carrier = self.stage.nursery.start(self.order(carry_both, pair))
        self.open.callback(lambda: self.stage.nursery.end(self.carrier, SIGTERM))
        self.cutovers = cutovers_of(pair)
        self.wait_until_carried()
        assert caught_up(self.cutovers.parties.forward), self.last_words()
        self.cutovers.verify(UNIT)
        place_at_canary(pair)
        port = reserved_port()
        self.open.enter_context(gateway_before(pair, port))
        self.clients = Clients(port)

    def play(self, case: Case, point: Point | None, outcome: Outcome) -> None:
        command = self._command(case)
        self._bring_to_its_start(command)
        chance = Random(case.seed)
        name = f"{case.point}.{case.seed}.{uuid4().hex[:4]}"
        strays = Writer(self.pair.old, case.seed, name, drops=False)
        with ExitStack() as busy:
            busy.enter_context(self.clients.busy(case.seed))
            busy.enter_context(strays.beside(_STRAYS, 0.05))
            if "-undone." in case.point:
                self._die(command, _about_to_flip(command), outcome)
            if point is None:
                self._die_at_random(command, chance, outcome)
            else:
                self._die(command, point, outcome)
            self._settle(command, outcome)
        outcome.problems += problems_of(self.pair, self.cutovers, command, self.clients, self.sides)

    def _command(self, case: Case) -> Command:
        if case.is_random:
            return "switch" if state_of(self.pair) < SWITCHED else "reverse"
        return "reverse" if case.point.startswith("cutover.reverse") else "switch"

    def _bring_to_its_start(self, command: Command) -> None:
        """Have the unit where this command begins: the last stage of its canary, or switched."""
        switched = state_of(self.pair) >= SWITCHED
        if switched and command == "switch":
            self._moved("reverse")
        if command == "switch":
            place_at_canary(self.pair)
        elif not switched:
            place_at_canary(self.pair)
            self._moved("switch")

    def _moved(self, command: Command) -> None:
        outcome = Outcome(Case("", self.kind, 0))
        self._settle(command, outcome)
        assert not outcome.problems, outcome.problems

    def _die(self, command: Command, point: Point, outcome: Outcome) -> None:
        """Die at the point; where a busy machine has let time run out before it, once more."""
        for _ in range(_TRIES):
            ended = self.stage.nursery.run(self.order(move, self.pair, command, point=point))
            if ended.killed:
                outcome.crashes += 1
            if ended.killed or ended.code == 0:
                return
            if command == "switch" and "-undone." not in point.name:
                place_at_canary(self.pair)

    def _die_at_random(self, command: Command, chance: Random, outcome: Outcome) -> None:
        """Kill the cutover at some moment, every third time the process that carries the flows as well."""
        with_carrier = chance.random() < 0.34
        after = chance.uniform(0.05, _LONGEST)
        ended = self.stage.nursery.run(self.order(move, self.pair, command, after=after))
        outcome.crashes += ended.killed
        if with_carrier:
            outcome.crashes += 1
            self.stage.nursery.end(self.carrier, SIGKILL)
            self.carrier = self.stage.nursery.start(self.order(carry_both, self.pair))
            self.wait_until_carried()

    def _settle(self, command: Command, outcome: Outcome) -> None:
        """Give the same command again until the unit is where it leads."""
        told = []
        while True:
            did = self.again(outcome, move, self.pair, command).told
            told.append(str(did))
            if did != "unwound" or outcome.problems:
                break
            if command == "switch":
                place_at_canary(self.pair)  # undone, its stage has begun anew
        outcome.settled = " ".join(told)

    def wait_until_carried(self) -> None:
        """Wait until both flows are carried."""
        deadline = time.monotonic() + 30
        while not (self.cutovers.parties.forward.carried() and self.cutovers.parties.reverse.carried()):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the flows are not carried: {self.last_words()}")
            time.sleep(0.05)


def _about_to_flip(command: Command) -> Point:
    return next(each for each in _points(command) if each.only == FLIP and each.name.endswith(".intent"))


SCENES: Final = (CutoverScene,)
