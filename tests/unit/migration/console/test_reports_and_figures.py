"""What a run's report and the ledger say, put together for a page."""

from datetime import UTC, date, datetime

import pytest

from caravan.migration.console import reports
from caravan.migration.console.figures import BAR_WIDTH, DataSetView, view_of
from caravan.migration.console.queries import DataSetFigures, Run

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def _figures(read: int, quarantined: int, name: str = "orders", migration: str = "rps") -> DataSetFigures:
    return DataSetFigures(migration, name, read, quarantined, 1, NOW)


def _run(**report: object) -> Run:
    return Run("rps", "finished", NOW, NOW, report)


def test_checks_say_what_they_found_and_failures_come_first() -> None:
    outcomes = {
        "rows": {"ok": True, "counted": 5, "tables": {"orders": {"expected": 5, "found": 5}}},
        "tables": {
            "ok": False,
            "tables": {"a": {"expected": 5, "found": 5}, "b": {"expected": 5, "found": 4}},
        },
        "orphans": {"ok": False, "links": {"orders.customer_id": 2, "none": 0, "lines": [3, "x"]}},
        "bare": {},
    }
    assert [(check.name, check.passed, check.detail) for check in reports.checks({"checks": outcomes})] == [
        ("bare", False, ""),
        ("orphans", False, "links: orders.customer_id 2, lines 3, x"),
        ("tables", False, "tables: b expected 5, found 4"),
        ("rows", True, "counted: 5"),
    ]


def test_an_empty_report_says_nothing() -> None:
    assert reports.checks({}) == []
    assert reports.sums({}, "orders") == {}
    assert reports.checksums({}) == {}
    assert reports.unchanged({}, "orders") == 0
    assert reports.waivers({"waived": None}) == {}


def test_sums_are_those_of_their_data_set() -> None:
    report = {
        "data_sets": {"orders": {"sums": {"amount": "1.50"}, "unchanged": 3}},
        "checksums": {"orders": "ab"},
    }
    assert reports.sums(report, "orders") == {"amount": "1.50"}
    assert reports.checksums(report) == {"orders": "ab"}
    assert reports.unchanged(report, "orders") == 3
    assert reports.sums(report, "customers") == {}


def test_a_waiver_known_from_its_records_alone_has_no_owner() -> None:
    report = {"waived": ["a", "b"], "waivers": [{"class": "b", "owner": "o"}]}
    assert {name: waiver.owner for name, waiver in reports.waivers(report).items()} == {"a": "", "b": "o"}


@pytest.mark.parametrize(("until", "holds"), [("", True), ("2026-11-20", True), ("2026-11-19", False)])
def test_a_waiver_counts_until_its_last_day(until: str, holds: bool) -> None:
    [waiver] = reports.waivers(
        {"waivers": [{"class": "a", "owner": "o", "reason": "r", "until": until}]}
    ).values()
    assert waiver.holds(date(2026, 11, 20)) is holds


def test_totals_add_up_and_unwaived_records_are_counted() -> None:
    view = view_of(
        _run(
            waivers=[{"class": "x", "owner": "o", "reason": "r"}],
            checks={"a": {"ok": False}, "b": {"ok": True}},
        ),
        [_figures(100, 10), _figures(50, 0, "customers"), _figures(7, 7, migration="other")],
        [("rps", "x", 8), ("rps", "y", 2), ("other", "x", 7)],
        NOW.date(),
    )
    assert (view.read, view.loaded, view.quarantined) == (150, 140, 10)
    assert (view.unwaived, view.failed) == (2, 1)
    assert view.classes == [("x", 8, True), ("y", 2, False)]


@pytest.mark.parametrize(
    ("read", "quarantined", "unchanged"),
    [(180, 60, 20), (1_000_000, 1, 0), (1_000_000, 1, 999_998), (3, 3, 0), (1, 0, 0)],
)
def test_a_bar_is_full_and_shows_whatever_is_there(read: int, quarantined: int, unchanged: int) -> None:
    bar = DataSetView(_figures(read, quarantined), unchanged, {}).bar
    assert sum(width for _, _, width in bar) == BAR_WIDTH
    assert all(width > 0 for _, _, width in bar)
    assert [start for _, start, _ in bar] == [
        sum(width for _, _, width in bar[:index]) for index in range(len(bar))
    ]
    assert ("quarantined" in {what for what, _, _ in bar}) is (quarantined > 0)


def test_a_bar_of_nothing_is_empty() -> None:
    assert DataSetView(_figures(0, 0), 0, {}).bar == []
