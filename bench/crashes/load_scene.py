"""Loads beside a flow of changes, killed between the source and the last line of the report."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from signal import SIGKILL
from typing import ClassVar, Final

import psycopg

from bench.crashes.pair import Pair, carry, carry_there, load, load_alone, made_pair, verified
from bench.crashes.points import Point
from bench.crashes.scene import Case, Outcome, Scene, attempts
from bench.crashes.stores import Kind
from bench.crashes.writers import Writer
from caravan.core.database import DatabaseAddress
from caravan.core.errors import CaravanError
from caravan.migration.sync import begin, release

__all__ = ["LoadScene", "TextScene"]

_ROWS: Final = 220
_BESIDE: Final = 6
_LONGEST: Final = 0.8
_TRIES: Final = 10


class LoadScene(Scene):
    """Each case loads everything into an organisation of its own; the old store goes on from case to case.

    Every second load runs while the flow is carried, the others are caught up with afterwards.
    """

    area: ClassVar[str] = "load"
    points: ClassVar[Sequence[Point]] = (
        Point("load.locked", "the migration's lock is held, no run is noted", "load.journal:Journal.begin", "before"),
        Point("load.begun", "the run is noted, nothing is read", "load.journal:Journal.begin"),
        Point("load.mapped", "a chunk is read and mapped", "load.mapped_chunk:ChunkMapper.map", most=6),
        Point("load.staged", "its rows are copied to the staging tables", "load.staging:Staging.copy", most=6),
        Point("load.claimed", "its keys are claimed", "load.chunk_commit:claim", most=6),
        Point("load.written", "its rows are in the tables", "load.chunk_commit:ChunkWriter._write_rows", most=6),
        Point("load.ledgered", "its ledger row is written, nothing is committed", "load.chunk_commit:write_ledger", most=6),
        Point("load.committed", "it is committed, nobody has been told", "load.chunk_commit:ChunkWriter._merge", most=6),
        Point("load.passed", "all chunks of a data set are in", "load.data_set_pass:DataSetPass.run", most=2),
        Point("load.finished", "references are filled", "load.run:finish"),
        Point("load.checked", "the tables are held against the ledger", "load.run:check_target"),
        Point("load.reporting", "the report is made, the run is not closed", "load.journal:Journal.end", "before"),
        Point("load.reported", "the run is closed", "load.journal:Journal.end"),
    )  # fmt: skip

    def begin(self) -> None:
        self.store = self.old_store()
        self.address: DatabaseAddress = self.database()
        Writer(self.store, 1, "first").write(_ROWS)
        self._cases = 0

    def play(self, case: Case, point: Point | None, outcome: Outcome) -> None:
        self._cases += 1
        pair = made_pair(self.store, self.address, self.folder / f"case-{self._cases}")
        writer = Writer(self.store, case.seed, f"{case.point}.{case.kind}.{case.seed}.{self._cases}")
        begin(pair.setting("forward"))
        try:
            writer.write(2)
            with self._carried(pair, wanted=case.seed % 2 == 0):
                workers = self._die(case, point, pair, writer, outcome)
                self.again(outcome, load, pair, workers)
            writer.write(2)
            self.again(outcome, carry, pair, "forward")
            outcome.problems += pair.differences()
            outcome.problems += [
                f"the verifier says of {name}: {told}"
                for name, told in verified(pair).items()
                if told != ["same", []]
            ]
        finally:
            _given_up(pair)

    @contextmanager
    def _carried(self, pair: Pair, *, wanted: bool) -> Iterator[None]:
        """Every second time have a process carry the flow all the while; it is killed at the end."""
        if not wanted:
            yield
            return
        pid = self.stage.nursery.start(self.order(carry_there, pair))
        try:
            yield
        finally:
            self.stage.nursery.end(pid, SIGKILL)

    def _die(self, case: Case, point: Point | None, pair: Pair, writer: Writer, outcome: Outcome) -> int:
        """Load and die; returns how many worker processes it had: where it dies at random, sometimes it or they are hit."""
        workers = 2 if point is None and case.seed % 3 == 0 else 0
        longest = _LONGEST + (1.0 if workers else 0.0)  # processes of their own need a moment to begin
        for how in attempts(case, point, longest):
            with writer.beside(_BESIDE):
                ended = self.stage.nursery.run(self.order(load, pair, workers, **how))
            if ended.killed:
                outcome.crashes += 1
                break
        return workers


def _given_up(pair: Pair) -> None:
    """Have the source forget the flow; the sessions of a process that was killed may hold on to it for a moment."""
    for _ in range(_TRIES):
        with suppress(CaravanError, psycopg.Error):
            release(pair.setting("forward"))
            return
        time.sleep(0.2)


class TextScene(Scene):
    """Loads that nobody follows, of chunks that stay text from the source to COPY: the same rows, whatever is cut off."""

    area: ClassVar[str] = "text"
    kinds: ClassVar[Sequence[Kind]] = ("mariadb", "sqlite")
    points: ClassVar[Sequence[Point]] = (
        Point("text.staged", "a chunk's text is copied and summed", "load.text_commit:TextStaging.stage", most=4),
        Point("text.inserted", "its rows are in the table", "load.text_commit:TextStaging.insert", most=4),
        Point("text.written", "its keys and its ledger row are written, nothing is committed", "load.text_commit:TextStaging.write_down", most=4),
        Point("text.committed", "it is committed, nobody has been told", "load.chunk_commit:ChunkWriter._load_text", most=4),
    )  # fmt: skip

    def begin(self) -> None:
        self.store = self.old_store()
        self.address: DatabaseAddress = self.database()
        Writer(self.store, 1, "first").write(_ROWS)
        self._cases = 0

    def play(self, case: Case, point: Point | None, outcome: Outcome) -> None:
        self._cases += 1
        pair = made_pair(self.store, self.address, self.folder / f"case-{self._cases}")
        for how in attempts(case, point, _LONGEST):
            if self.stage.nursery.run(self.order(load_alone, pair, **how)).killed:
                outcome.crashes += 1
                break
        if case.seed % 2:
            Writer(self.store, case.seed, f"{case.point}.{case.seed}.{self._cases}", drops=False).write(2)
        self.again(outcome, load_alone, pair)
        outcome.problems += pair.differences()
        outcome.problems += [
            f"the verifier says of {name}: {told}"
            for name, told in verified(pair).items()
            if told != ["same", []]
        ]
