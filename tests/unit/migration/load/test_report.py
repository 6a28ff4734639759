"""A report says the same as JSON, at a terminal and as a page; its exit code says what to do."""

import io
import json
from datetime import UTC, datetime

import pytest

from caravan.migration.load import (
    LoadReport,
    VerifyReport,
    load_report_page,
    print_load_report,
    print_verify_report,
)
from caravan.migration.load.report import (
    DataSetReport,
    Difference,
    ReportedFinding,
    ReportedRefusal,
    ReportedWaiver,
    Stop,
)

REFUSAL = ReportedRefusal(
    "amount.not_a_number", "orders", "o1", "total", "orders.bson", 77, "<b>'NaN'</b>", waived=False
)


WAIVER = ReportedWaiver(
    "amount.not_a_number", "Nadia", "<i>four</i> test orders", "2026-12-31", 1, holds=True
)


def report(**changes: object) -> LoadReport:
    values = {
        "data_sets": {"orders": DataSetReport(3, 2, 0, 1, 1, {"orders": 2}, {"total": "12.5000"}, 1.5, 2.0)},
        "findings": [ReportedFinding("reference.missing", "orders", "o2", "customer")],
        "quarantine": [REFUSAL],
        "waivers": [WAIVER],
        "checks": {"rows": {"ok": True}},
        "checksums": {"orders": "ab" * 16},
    }
    return LoadReport("toy", **{**values, **changes})  # type: ignore[arg-type]  # made from known names


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({"quarantine": []}, 0, "complete"),
        ({}, 3, "quarantined"),
        ({"checks": {"rows": {"ok": False}}, "quarantine": []}, 4, "failed"),
        ({"stopped": [Stop("load_stopped", "lost", "again")]}, 4, "stopped"),
    ],
)
def test_the_exit_code_tells_what_to_do(changes: dict[str, object], code: int, status: str) -> None:
    assert report(**changes).exit_code == code
    assert report(**changes).status == status


def test_json_names_classes_and_keeps_amounts_exact() -> None:
    data = json.loads(report().to_json())
    assert data["findings"] == [
        {"class": "reference.missing", "data_set": "orders", "key": "o2", "field": "customer"}
    ]
    assert data["quarantine"][0]["class"] == "amount.not_a_number"
    assert data["quarantine"][0]["waived"] is False
    assert data["data_sets"]["orders"]["sums"] == {"total": "12.5000"}
    assert data["checksums"] == {"orders": "ab" * 16}


def test_the_terminal_shows_figures_faults_and_checks() -> None:
    stream = io.StringIO()
    print_load_report(
        report(stopped=[Stop("load_stopped", "lost", "start again")], checks={"rows": {"ok": False}}), stream
    )
    text = stream.getvalue()
    for part in (
        "orders",
        "total = 12.5000",
        "amount.not_a_number: 1",
        "reference.missing: 1",
        "FAILED rows",
        "start again",
    ):
        assert part in text


def test_the_page_stands_alone_and_escapes_what_the_source_said() -> None:
    page = load_report_page(
        report(stopped=[Stop("load_stopped", "lost", "again")]), datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    )
    assert "2026-11-21 12:00 UTC" in page
    assert "&lt;b&gt;&#39;NaN&#39;&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "http" not in page
    assert "<script" not in page
    assert "load_stopped" in load_report_page(report(stopped=[Stop("load_stopped", "a", "b")]))


def test_an_empty_report_is_a_page_too() -> None:
    assert "complete" in load_report_page(LoadReport("toy", dry_run=True))


def test_a_verification_lists_its_first_differences() -> None:
    differences = [Difference("orders", "1", f"o{n}", "total", "1", None) for n in range(25)]
    verified = VerifyReport("toy", {"rows": {"ok": True}}, differences, [("orders", "gone")])
    assert verified.exit_code == 4
    stream = io.StringIO()
    print_verify_report(verified, stream)
    assert "orders.total of 1 (legacy key o0): expected '1', found None" in stream.getvalue()
    assert "… and 5 more" in stream.getvalue()
    assert "1 records that the source no longer has" in stream.getvalue()
    assert json.loads(verified.to_json())["extra"] == [{"data_set": "orders", "key": "gone"}]


def test_a_clean_verification_says_so() -> None:
    stream = io.StringIO()
    verified = VerifyReport("toy", {"rows": {"ok": True}})
    print_verify_report(verified, stream)
    assert verified.exit_code == 0
    assert "all as in the source" in stream.getvalue()


def test_a_row_that_is_missing_has_no_column() -> None:
    stream = io.StringIO()
    print_verify_report(
        VerifyReport("toy", {}, [Difference("orders", "1", "o", None, "a row", None)]), stream
    )
    assert "  orders of 1" in stream.getvalue()


def test_whoever_answers_for_a_class_is_named_everywhere() -> None:
    assert json.loads(report().to_json())["waivers"] == [
        {
            "class": "amount.not_a_number",
            "owner": "Nadia",
            "reason": "<i>four</i> test orders",
            "until": "2026-12-31",
            "count": 1,
            "holds": True,
        }
    ]
    stream = io.StringIO()
    print_load_report(report(), stream)
    assert "amount.not_a_number: 1, until 2026-12-31; Nadia: <i>four</i> test orders" in stream.getvalue()
    page = load_report_page(report())
    assert "<td>Nadia</td><td>&lt;i&gt;four&lt;/i&gt; test orders</td>" in page


def test_a_waiver_that_is_over_says_so() -> None:
    over = ReportedWaiver("key.repeated", "Nadia", "old", "2020-01-01", 2, holds=False)
    stream = io.StringIO()
    print_load_report(report(waivers=[over]), stream)
    assert "OVER" in stream.getvalue()
    assert "2020-01-01 (over)" in load_report_page(report(waivers=[over]))
