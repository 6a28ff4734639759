"""Numbers in addresses: reports of any length and script, jobs as we write them."""

import pytest

from caravan.legacy.deduper.answers import DeduperCreatedReportJob
from caravan.legacy.deduper.job_ids import read_job_id
from caravan.legacy.deduper.json_form import as_legacy_json, encoded
from caravan.legacy.deduper.report_ids import ReportId, read_report_id


@pytest.mark.parametrize(
    ("segment", "number"),
    [
        ("0", "0"),
        ("000", "0"),
        ("007", "7"),
        ("5" * 9999, "5" * 9999),
        ("\N{ARABIC-INDIC DIGIT THREE}", "3"),
        ("1\N{DEVANAGARI DIGIT TWO}", "12"),
        ("", None),
        ("-5", None),
        ("+5", None),
        ("1.5", None),
        ("1_000", None),
        ("5\n", None),
        ("\N{SUPERSCRIPT TWO}", None),
    ],
)
def test_a_report_is_digits_and_nothing_else(segment: str, number: str | None) -> None:
    assert read_report_id(segment) == number


@pytest.mark.parametrize(
    "segment", ["0", "007", "+7", "-1", "7 ", "7\n", "\N{ARABIC-INDIC DIGIT THREE}", "1" * 19, ""]
)
def test_a_job_has_one_way_to_be_written(segment: str) -> None:
    assert read_job_id(segment) is None


def test_a_job_id_is_its_number() -> None:
    assert read_job_id("1024") == 1024


def test_an_answer_is_sorted_compact_ascii_and_ends_its_line() -> None:
    said = encoded({"b": "é\N{HEDGEHOG}", "a": [1, {"z": None, "y": 2.5}]})
    assert said == b'{"a":[1,{"y":2.5,"z":null}],"b":"\\u00e9\\ud83e\\udd94"}\n'
    assert as_legacy_json({"b": 1, "a": 2}) == b'{"a":2,"b":1}\n'


def test_a_report_in_an_answer_is_a_number_of_json() -> None:
    answer = DeduperCreatedReportJob(jobId=1, reportId=ReportId("12345678901234567890"))
    assert encoded(answer) == b'{"jobId":1,"reportId":12345678901234567890,"status":"pending"}\n'
    assert (
        DeduperCreatedReportJob.model_validate({"jobId": 1, "reportId": 12, "status": "pending"}).reportId
        == "12"
    )
    for wrong in ("12", True, None):
        with pytest.raises(ValueError, match="reportId"):
            DeduperCreatedReportJob.model_validate({"jobId": 1, "reportId": wrong})
