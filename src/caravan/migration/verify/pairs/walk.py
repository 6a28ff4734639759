"""One comparison of two prepared sides: chunks hashed on both, those that differ opened down to the row.

A chunk that differs and is large is cut at quantiles and its parts are hashed again; a small one is listed, a hash per row, which
costs no more. Where so many chunks differ that hashing them first would be for nothing, chunks are listed straight away: both
sides are read in the order of the key and merged.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any, Final, Literal, TypeAlias

from caravan.migration.verify.pairs.agreement import Agreement
from caravan.migration.verify.pairs.differences import Found, RowDifference, found_in
from caravan.migration.verify.pairs.notebook import Notebook
from caravan.migration.verify.pairs.tables import Key, Prepared, Range, Value

__all__ = ["Strategy", "Tally", "Tuning", "walk_ranges"]

Strategy: TypeAlias = Literal["adaptive", "descend", "merge"]

_FAN_OUT: Final = 16
_PARTS: Final = 32
_SMALL: Final = 2_000
"""A table of fewer rows than so many chunks hold is cut into that many all the same, down to chunks of so few rows."""

_FEW: Final = 6
"""Chunks after which the share of differing ones is believed."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """``chunk`` rows are hashed at once, ``leaf`` rows are listed rather than hashed again.

    ``many``: the share of differing chunks from which chunks are no longer hashed first. ``told``: differences that are kept in
    full; the rest is counted.
    """

    chunk: int = 20_000
    leaf: int = 60_000
    many: float = 0.5
    told: int = 50_000
    strategy: Strategy = "adaptive"


@dataclass(slots=True)
class Tally:
    """What a comparison found. ``rows`` of both sides; ``resumed`` chunks had been judged by an earlier run."""

    left_rows: int = 0
    right_rows: int = 0
    chunks: int = 0
    hashed: int = 0
    listed: int = 0
    resumed: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    differences: list[RowDifference] = field(default_factory=list)

    @property
    def different(self) -> int:
        """How many keys differ, those among them that are only counted."""
        return sum(self.counts.values())

    def take(self, found: Found) -> None:
        """Count differences and keep those that are told in full."""
        for kind, count in (Counter(one.kind for one in found.rows) + found.beyond).items():
            self.counts[kind] = self.counts.get(kind, 0) + count
        self.differences += found.rows


@dataclass(frozen=True, slots=True)
class _Chunk:
    node: str
    within: Range


@dataclass(frozen=True, slots=True)
class _Asked:
    """What both sides were asked about a chunk: a hash of it all, or of each row."""

    values: list[Future[Value]] | None
    lines: list[Future[list[str]]] | None


def walk_ranges(
    agreement: Agreement,
    left: Prepared,
    right: Prepared,
    notebook: Notebook,
    tuning: Tuning,
    *,
    progress: Callable[[int], None] | None = None,
) -> Tally:
    """Compare by ranges of the key. What the notebook calls the same is not looked at again; what differed is, it may be repaired.

    Raises:
        SideLostError: a side cannot be read on; what is judged is noted.
    """
    with (
        ThreadPoolExecutor(left.connections, "verify left") as lefts,
        ThreadPoolExecutor(right.connections, "verify right") as rights,
    ):
        return _Walk(agreement, (left, right), (lefts, rights), notebook, tuning, progress).run()


class _Walk:
    def __init__(
        self,
        agreement: Agreement,
        sides: tuple[Prepared, Prepared],
        threads: tuple[ThreadPoolExecutor, ThreadPoolExecutor],
        notebook: Notebook,
        tuning: Tuning,
        progress: Callable[[int], None] | None,
    ) -> None:
        self._agreement = agreement
        self._sides = sides
        self._threads = threads
        self._notebook = notebook
        self._tuning = tuning
        self._progress = progress
        self._window = max(side.connections for side in sides) + 1
        self._tally = Tally()
        self._judged = self._differed = 0

    def run(self) -> Tally:
        noted = self._notebook.noted()
        chunks = [_Chunk(f"{number:05}", within) for number, within in enumerate(self._planned(noted))]
        self._tally.chunks = len(chunks)
        same = {node: facts for node, (verdict, facts) in noted.items() if verdict == "same"}
        for facts in same.values():
            self._tally.resumed += 1
            self._tally.left_rows += facts["left"]
            self._tally.right_rows += facts["right"]
        self._all(chunk for chunk in chunks if chunk.node not in same)
        return self._tally

    def _planned(self, noted: Mapping[str, Any]) -> list[Range]:
        """Cut the table once; an earlier run's cuts stay, whatever the rows are by now."""
        if "plan" in noted:
            bounds = [tuple(bound) for bound in noted["plan"][1]["bounds"]]
        else:
            cutter = next((side for side in self._sides if side.cheap_bounds), self._sides[0])
            rows = cutter.count()
            parts = max(1, -(-rows // self._tuning.chunk), min(_PARTS, rows // _SMALL))
            bounds = cutter.bounds(Range(), parts)
            self._notebook.note("plan", "planned", {"bounds": bounds})
        return _ranges(Range(), bounds)

    def _all(self, chunks: Iterator[_Chunk]) -> None:
        """Ask a few chunks ahead on both sides, so that the stores work while we look at what they said."""
        waiting: deque[tuple[_Chunk, _Asked]] = deque()
        while True:
            for chunk in islice(chunks, self._window - len(waiting)):
                waiting.append((chunk, self._asked(chunk.within)))
            if not waiting:
                return
            self._judge(*waiting.popleft())

    def _asked(self, within: Range) -> _Asked:
        return _Asked(None, self._lines(within)) if self._hopeless() else _Asked(self._hashes(within), None)

    def _hashes(self, within: Range) -> list[Future[Value]]:
        self._tally.hashed += 1
        return [
            threads.submit(side.value, within)
            for side, threads in zip(self._sides, self._threads, strict=True)
        ]

    def _lines(self, within: Range) -> list[Future[list[str]]]:
        self._tally.listed += 1
        return [
            threads.submit(side.lines, within)
            for side, threads in zip(self._sides, self._threads, strict=True)
        ]

    def _hopeless(self) -> bool:
        """Tell whether the next chunk will differ too, as far as one can know."""
        if self._tuning.strategy != "adaptive":
            return self._tuning.strategy == "merge"
        return self._judged >= _FEW and self._differed / self._judged >= self._tuning.many

    def _judge(self, chunk: _Chunk, asked: _Asked) -> None:
        if asked.lines is not None:
            rows, found = self._merged(asked.lines)
        else:
            one, other = (future.result() for future in asked.values or ())
            rows, found = (one.rows, other.rows), Found()
            if not one.same(other):
                rows, found = self._opened(chunk.within, rows)
            self._judged += 1
            self._differed += bool(found)
        self._tally.left_rows += rows[0]
        self._tally.right_rows += rows[1]
        self._tally.take(found)
        facts = {**chunk.within.as_json(), "left": rows[0], "right": rows[1], "differing": len(found)}
        self._notebook.note(chunk.node, "different" if found else "same", facts)
        if self._progress is not None:
            self._progress(rows[0])

    def _opened(self, within: Range, rows: tuple[int, int]) -> tuple[tuple[int, int], Found]:
        """Find what differs in a range that does not hash alike."""
        if max(rows) <= self._tuning.leaf and min(rows) >= 0:
            return self._merged(self._lines(within))
        cuts = self._sides[0].bounds(within, _FAN_OUT) or self._sides[1].bounds(within, _FAN_OUT)
        bounds = [bound for bound in dict.fromkeys(cuts) if bound != within.upto]
        if not bounds:  # one key, however often it is there
            return self._merged(self._lines(within))
        found = Found()
        counts = [0, 0]
        for part in _ranges(within, bounds):
            one, other = (future.result() for future in self._hashes(part))
            part_rows = (one.rows, other.rows)
            if not one.same(other):
                part_rows, differences = self._opened(part, part_rows)
                found += differences
            counts[0] += part_rows[0]
            counts[1] += part_rows[1]
        return (counts[0], counts[1]), found

    def _merged(self, lines: Sequence[Future[list[str]]]) -> tuple[tuple[int, int], Found]:
        """Hold a hash per row of both sides against each other, and read the rows whose hashes differ."""
        left, right = (future.result() for future in lines)
        room = max(0, self._tuning.told - len(self._tally.differences))
        return (len(left), len(right)), found_in(self._agreement, self._sides, (left, right), room)


def _ranges(within: Range, bounds: Sequence[Key]) -> list[Range]:
    edges = [within.after, *bounds, within.upto]
    return [Range(after, upto) for after, upto in pairwise(edges)]
