"""Flows killed between a log and a store: there, back, and watching a side where nobody may write."""

from collections.abc import Sequence
from typing import ClassVar, Final

from bench.crashes.pair import Pair, carry, made_pair, verified
from bench.crashes.points import Point
from bench.crashes.scene import Case, Outcome, Scene, attempts
from bench.crashes.stores import Store
from bench.crashes.writers import Writer
from caravan.migration.sync import begin
from caravan.migration.sync.flows import Direction

__all__ = ["BackScene", "ForwardScene", "WatchScene"]

_FIRST: Final = 20
_WAITING: Final = 8
_BESIDE: Final = 5
_LONGEST: Final = 0.35


class _FlowScene(Scene):
    """Changes wait in the log, more come while the flow is carried; the process dies and another one goes on."""

    direction: ClassVar[Direction]

    def begin(self) -> None:
        self.pair = made_pair(self.old_store(), self.database(), self.folder)
        begin(self.pair.setting("forward"))
        Writer(self.pair.old, 1, "first").write(_FIRST)
        carry(self.pair, "forward")

    @property
    def source(self) -> Store:
        return self.pair.old

    def play(self, case: Case, point: Point | None, outcome: Outcome) -> None:
        writer = Writer(self.source, case.seed, f"{case.point}.{case.seed}.{self._count()}")
        for how in attempts(case, point, _LONGEST):
            writer.write_of_each()
            writer.write(_WAITING)
            with writer.beside(_BESIDE):
                ended = self.stage.nursery.run(self.order(carry, self.pair, self.direction, **how))
            if ended.killed:
                outcome.crashes += 1
                break
        writer.write(1)
        self.again(outcome, carry, self.pair, self.direction)
        outcome.problems += self.pair.differences()
        self.look_closer(outcome)

    def look_closer(self, outcome: Outcome) -> None:
        outcome.problems += [
            f"the verifier says of {name}: {told}"
            for name, told in verified(self.pair).items()
            if told != ["same", []]
        ]

    def _count(self) -> int:
        self.cases = getattr(self, "cases", 0) + 1
        return self.cases


class ForwardScene(_FlowScene):
    """From the old store to ours: rows and position commit together."""

    area: ClassVar[str] = "forward"
    direction: ClassVar[Direction] = "forward"
    points: ClassVar[Sequence[Point]] = (
        Point("forward.taken", "the flow is held, nothing is read", "sync.holding:FlowHold.take"),
        Point("forward.gathered", "a transaction of the log is read", "sync.running:_Session._gather", most=4),
        Point("forward.mapped", "its changes are mapped", "sync.data_set_apply:DataSetApplier.prepare", most=3),
        Point("forward.placed", "places are taken, deleted rows are gone", "sync.data_set_apply:DataSetApplier.take", most=3),
        Point("forward.written", "rows are written", "sync.data_set_apply:DataSetApplier.write", most=3),
        Point("forward.moving", "everything is written, but the position", "sync.holding:FlowHold.move", "before", most=2),
        Point("forward.moved", "the position is written, nothing is committed", "sync.holding:FlowHold.move", most=2),
        Point("forward.committed", "committed; the source has not been told", "sync.running:_Session._take", "before", most=2),
        Point("forward.confirmed", "the source has forgotten what is applied", "sync.running:_Session._take", most=2),
        Point("forward.beaten", "the flow has told how far behind it is", "sync.holding:FlowHold.beat", most=2),
        Point("forward.ending", "nothing is left, the flow is not let go", "sync.holding:FlowHold.end", "before"),
    )  # fmt: skip


class BackScene(_FlowScene):
    """Back from ours to the old store, which commits first: our position follows."""

    area: ClassVar[str] = "back"
    direction: ClassVar[Direction] = "reverse"
    points: ClassVar[Sequence[Point]] = (
        Point("back.taken", "the flow is held, nothing is read", "sync.holding:FlowHold.take"),
        Point("back.gathered", "a transaction of our log is read", "sync.running:_Session._gather", most=4),
        Point("back.read", "touched records are read in a snapshot", "sync.reverse:ReverseSink._read", most=2),
        Point("back.stamped", "the old store's transaction has its stamp", "sync.legacy.sql_writer:SqlWriter._stamp", most=2),
        Point("back.given", "a new row has a key of the old store", "sync.legacy.sql_writer:_SqlBatch.insert", most=2),
        Point("back.put", "a record is written over the old one", "sync.legacy.sql_writer:_SqlBatch.put", most=2),
        Point("back.removed", "a record is deleted in the old store", "sync.legacy.sql_writer:_SqlBatch.remove"),
        Point("back.written", "all records are written, the old store has not committed", "sync.reverse:WriteBack.write", most=4),
        Point("back.legacy", "the old store has committed, ours knows nothing of it", "sync.reverse:ReverseSink._note", "before", most=2),
        Point("back.moving", "keys are noted, the position is not", "sync.holding:FlowHold.move", "before", most=2),
        Point("back.moved", "the position is written, ours has not committed", "sync.holding:FlowHold.move", most=2),
        Point("back.committed", "both have committed; our log has not been told", "sync.running:_Session._take", "before", most=2),
        Point("back.confirmed", "our log has forgotten what is written back", "sync.running:_Session._take", most=2),
        Point("back.ending", "nothing is left, the flow is not let go", "sync.holding:FlowHold.end", "before"),
    )  # fmt: skip

    def begin(self) -> None:
        super().begin()
        switched(self.pair)

    @property
    def source(self) -> Store:
        return self.pair.new

    def look_closer(self, outcome: Outcome) -> None:
        """What was written back must not look like a stranger's write, and must not come back."""
        super().look_closer(outcome)
        self.again(outcome, carry, self.pair, "forward")
        foreign = self.pair.setting("forward").party.foreign_writes()
        if foreign:
            outcome.problems.append(f"{foreign} of our own writes are taken for foreign")
        outcome.problems += self.pair.differences()


class WatchScene(_FlowScene):
    """Strangers write to the old store when it is passive: each write is told once, whatever happens to the watcher."""

    area: ClassVar[str] = "watch"
    direction: ClassVar[Direction] = "forward"
    points: ClassVar[Sequence[Point]] = (
        Point("watch.gathered", "a stranger's transaction is read", "sync.running:_Session._gather", most=3),
        Point("watch.noted", "its writes are noted with the position, nothing is committed", "sync.holding:FlowHold.move"),
        Point("watch.committed", "committed; the source has not been told", "sync.running:_Session._take", "before"),
        Point("watch.confirmed", "the source has forgotten them", "sync.running:_Session._take"),
    )  # fmt: skip

    def begin(self) -> None:
        super().begin()
        switched(self.pair)
        self.foreign = 0

    def play(self, case: Case, point: Point | None, outcome: Outcome) -> None:
        for how in attempts(case, point, _LONGEST):
            self.foreign += self._strange(case.seed)
            ended = self.stage.nursery.run(self.order(carry, self.pair, self.direction, **how))
            if ended.killed:
                outcome.crashes += 1
                break
        self.again(outcome, carry, self.pair, self.direction)
        told = self.pair.setting("forward").party.foreign_writes()
        if told != self.foreign:
            outcome.problems.append(f"{self.foreign} foreign writes were made, {told} are told")
        outcome.problems += self.pair.differences()

    def _strange(self, seed: int) -> int:
        """Let rows come and go again, each in a transaction; returns how many changes that is."""
        store, rows = self.pair.old, 2 + seed % 3
        with store.connected() as connection:
            for number in range(rows):
                code = f"F-{self._count()}-{number}"
                store.insert(connection, store.customers, code=code, name="a stranger's", note=None)
                store.execute(connection, f"DELETE FROM {store.customers} WHERE code = ?", code)  # noqa: S608 - a table's name
        # An outbox names rows, not what was done to them: one that came and went is told once, as gone.
        return rows if store.kind == "sqlite" else 2 * rows


def switched(pair: Pair) -> None:
    """Give our side write authority, as far as flows are concerned."""
    forward, reverse = pair.setting("forward").party, pair.setting("reverse").party
    reverse.prepare()
    carry(pair, "forward")
    reverse.start(reverse.head())
    forward.watch()
