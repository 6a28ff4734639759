"""What a verification found, as one value that prints as JSON, terminal text or a page."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

from caravan.migration.verify.pairs.differences import RowDifference

__all__ = ["InvariantResult", "SubjectReport", "Verdict", "VerificationReport"]

Verdict: TypeAlias = Literal["same", "different", "not judged"]
_KEPT: Final = 1_000
_EXIT_CODES: Final[dict[Verdict, int]] = {"same": 0, "different": 1, "not judged": 2}


@dataclass(slots=True)
class SubjectReport:
    """Two tables, or the records of a data set and one of the tables they fill.

    ``ways`` tells of each column where it was hashed: ``sql`` by the stores, ``python`` by us. ``unread`` columns are on one side
    alone. ``not_judged`` keys were still changing when patience ended, or are newer than the snapshot. ``generations`` counts
    the snapshots that it took. ``problem`` says why a subject could not be judged.
    """

    subject: str
    key: Sequence[str] = ()
    ways: dict[str, str] = field(default_factory=dict)
    unread: Sequence[str] = ()
    left_rows: int = 0
    right_rows: int = 0
    chunks: int = 0
    hashed: int = 0
    listed: int = 0
    resumed: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    differences: list[RowDifference] = field(default_factory=list)
    not_judged: int = 0
    generations: int = 1
    positions: Sequence[str] = ()
    lost: Sequence[str] = ()
    problem: str = ""
    seconds: float = 0.0

    @property
    def verdict(self) -> Verdict:
        if any(self.counts.values()):
            return "different"
        return "not judged" if self.problem or self.not_judged else "same"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": self.verdict, "seconds": round(self.seconds, 3)}

    def kept(self) -> dict[str, Any]:
        """The report as it is stored: which fields of which keys differ, and none of their values, which are people's data."""
        told = [
            {"key": one.key, "kind": one.kind, "columns": [column.column for column in one.fields]}
            for one in self.differences[:_KEPT]
        ]
        return {**replace(self, differences=[]).as_json(), "verdict": self.verdict, "differences": told}


@dataclass(frozen=True, slots=True)
class InvariantResult:
    """One declared pair of queries, or one built-in sum. ``only_left`` and ``only_right`` are rows that one side alone answered."""

    name: str
    verdict: Verdict
    rows: int = 0
    only_left: Sequence[Sequence[str | None]] = ()
    only_right: Sequence[Sequence[str | None]] = ()
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class VerificationReport:
    """``exit_code``: 0 all the same, 1 something differs, 2 nothing differs but something could not be judged.

    ``guards`` are the figures that the guard ``verification`` of a unit was told, by unit: those that it covered whole.
    """

    migration: str
    subjects: list[SubjectReport] = field(default_factory=list)
    invariants: list[InvariantResult] = field(default_factory=list)
    seconds: float = 0.0
    guards: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        verdicts = {one.verdict for one in self.subjects} | {one.verdict for one in self.invariants}
        if "different" in verdicts:
            return "different"
        return "same" if verdicts == {"same"} else "not judged"

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES[self.verdict]

    def as_json(self) -> dict[str, Any]:
        return {
            "migration": self.migration,
            "verdict": self.verdict,
            "seconds": round(self.seconds, 3),
            "subjects": [one.as_json() for one in self.subjects],
            "invariants": [one.as_json() for one in self.invariants],
            "guards": self.guards,
        }

    def to_json(self) -> str:
        """The report as JSON text."""
        return json.dumps(self.as_json(), ensure_ascii=False, indent=1)
