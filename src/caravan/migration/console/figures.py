"""What the overview and a load's page show of each data set, and the lengths of its bar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from caravan.migration.console import reports
from caravan.migration.console.queries import DataSetFigures, Run
from caravan.migration.console.reports import Check, WaivedClass

__all__ = ["BAR_WIDTH", "DataSetView", "LoadView", "view_of"]

BAR_WIDTH: Final = 1000
_THINNEST: Final = 6
"""Of 1000: what is there at all can be seen."""


@dataclass(frozen=True, slots=True)
class DataSetView:
    figures: DataSetFigures
    unchanged: int
    sums: dict[str, str]

    @property
    def fresh(self) -> int:
        """Records that the last run brought."""
        return max(0, self.figures.loaded - self.unchanged)

    @property
    def bar(self) -> list[tuple[str, int, int]]:
        """(what, start, width) of each piece, of 1000."""
        pieces = {"loaded": self.fresh, "unchanged": self.unchanged, "quarantined": self.figures.quarantined}
        return _bar(pieces)


@dataclass(frozen=True, slots=True)
class LoadView:
    """One migration: its last run and everything of it that is in the ledger."""

    run: Run
    data_sets: Sequence[DataSetView]
    checks: Sequence[Check]
    checksums: Mapping[str, str]
    waivers: Mapping[str, WaivedClass]
    classes: Sequence[tuple[str, int, bool]]
    """(class, records, waived) of the quarantine."""

    @property
    def read(self) -> int:
        return sum(one.figures.read for one in self.data_sets)

    @property
    def loaded(self) -> int:
        return sum(one.figures.loaded for one in self.data_sets)

    @property
    def quarantined(self) -> int:
        return sum(one.figures.quarantined for one in self.data_sets)

    @property
    def unwaived(self) -> int:
        """Quarantined records that nobody answers for."""
        return sum(count for _, count, waived in self.classes if not waived)

    @property
    def failed(self) -> int:
        return sum(not check.passed for check in self.checks)


def view_of(
    run: Run, data_sets: Sequence[DataSetFigures], classes: Sequence[tuple[str, str, int]], today: date
) -> LoadView:
    """Put a migration's run, ledger and quarantine together."""
    report: Mapping[str, Any] = run.report
    waivers = reports.waivers(report)
    views = [
        DataSetView(
            one,
            reports.unchanged(report, one.name),
            reports.sums(report, one.name),
        )
        for one in data_sets
        if one.migration == run.migration
    ]
    counted = [
        (reason, count, reason in waivers and waivers[reason].holds(today))
        for migration, reason, count in classes
        if migration == run.migration
    ]
    return LoadView(run, views, reports.checks(report), reports.checksums(report), waivers, counted)


def _bar(pieces: Mapping[str, int]) -> list[tuple[str, int, int]]:
    total = sum(pieces.values())
    found, start = [], 0
    for what, count in pieces.items():
        if count:
            width = max(_THINNEST, round(BAR_WIDTH * count / total))
            found.append((what, start, width))
            start += width
    return _fitted(found)


def _fitted(pieces: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Take from the widest piece what the thin ones were given."""
    if not pieces:
        return []
    over = sum(width for _, _, width in pieces) - BAR_WIDTH
    widest = max(range(len(pieces)), key=lambda index: pieces[index][2])
    fitted, start = [], 0
    for index, (what, _, width) in enumerate(pieces):
        kept = width - over if index == widest else width
        fitted.append((what, start, kept))
        start += kept
    return fitted
