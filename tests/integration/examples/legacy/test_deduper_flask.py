"""The stand-in of the legacy deduper behaves as the legacy was observed to."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.fixtures.command_line import until
from tests.fixtures.deduper_flask import FlaskDeduper, flask_deduper, scripted_program

HTML = "text/html; charset=utf-8"
JSON = "application/json"


def test_the_root_is_a_page_with_the_services_label(deployed: FlaskDeduper) -> None:
    answer = deployed.ask("GET", "/")
    assert (answer.status_code, answer.headers["content-type"], len(answer.content)) == (200, HTML, 390)
    assert answer.text.count("News Nexus Python Queuer 01") == 2


@pytest.mark.parametrize(
    ("body", "kind", "status", "text"),
    [
        (b"", None, 415, None),
        (b"{}", "text/plain", 415, None),
        (b"", JSON, 400, None),
        (b"{", JSON, 400, None),
        (b'{"b":1,"a":"\xc3\xa9"}', JSON, 200, '{"a":"\\u00e9","b":1}\n'),
        (b"[0]", "application/vnd.x+json; charset=utf-8", 200, "[0]\n"),
        *((falsy, JSON, 200, "{}\n") for falsy in (b"null", b"0", b"false", b'""', b"[]", b"{}")),
        (b'{"a":1,"a":2}', JSON, 200, '{"a":2}\n'),
        (b"NaN", JSON, 200, "NaN\n"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_echo_wants_json(
    deployed: FlaskDeduper, method: str, body: bytes, kind: str | None, status: int, text: str | None
) -> None:
    answer = deployed.ask(method, "/test", content=body, headers={"content-type": kind} if kind else {})
    assert answer.status_code == status
    assert answer.headers["content-type"] == (HTML if text is None else JSON)
    assert text in {None, answer.text}


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nowhere", 404, HTML),
        ("GET", "/static/x", 404, HTML),
        ("GET", "/deduper/jobs/", 404, HTML),
        ("GET", "/deduper/health/", 404, HTML),
        ("GET", "/deduper/jobs/reportId/", 404, HTML),
        ("GET", "/deduper/jobs/reportId/-1", 404, HTML),
        ("GET", "/deduper/jobs/reportId/+5", 404, HTML),
        ("GET", "/deduper/jobs/reportId/1.5", 404, HTML),
        ("GET", "/deduper/jobs/reportid/1", 404, HTML),
        ("GET", "/deduper/jobs/a%2Fb", 404, HTML),
        ("GET", "/deduper/jobs/%20", 404, JSON),
        ("GET", "/deduper/jobs/reportId", 404, JSON),
        ("POST", "/deduper/jobs/list/cancel", 404, JSON),
        ("GET", "/deduper//jobs/list", 308, HTML),
        ("POST", "/deduper/jobs", 405, HTML),
        ("GET", "/deduper/jobs/1/cancel", 405, HTML),
        ("GET", "/deduper/clear-db-table", 405, HTML),
        ("OPTIONS", "/deduper/health", 200, HTML),
    ],
)
def test_what_the_framework_refuses_is_html_and_what_a_view_refuses_is_json(
    deployed: FlaskDeduper, method: str, path: str, status: int, kind: str
) -> None:
    answer = deployed.ask(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, kind)
    if status == 405:
        assert "OPTIONS" in answer.headers["allow"]
    if status == 404 and kind == HTML:
        assert answer.text.startswith("<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n")


def test_a_get_starts_a_job_and_so_does_a_head(deployed: FlaskDeduper) -> None:
    first = deployed.ask("GET", "/deduper/jobs?reportId=9")
    number = first.json()["jobId"]
    assert (first.status_code, first.text) == (201, f'{{"jobId":{number},"status":"pending"}}\n')
    assert deployed.ask("HEAD", "/deduper/jobs").status_code == 201
    assert deployed.ended(number + 1)["status"] == "completed"
    assert deployed.ended(number).keys() == {"jobId", "status", "createdAt"}


def test_a_report_is_any_row_of_digits(deployed: FlaskDeduper) -> None:
    answers = [deployed.ask("GET", f"/deduper/jobs/reportId/{told}") for told in ("007", "\u0663")]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert [answer.json()["reportId"] for answer in answers] == [7, 3]
    for answer in answers:
        assert answer.json().keys() == {"jobId", "reportId", "status"}
        assert deployed.ended(answer.json()["jobId"])["status"] == "failed"
    calls = (deployed.program / "calls").read_text().splitlines()
    assert {"analyze_fast --report-id 7", "analyze_fast --report-id 3"} <= set(calls)


def test_as_deployed_no_job_is_ever_found(deployed: FlaskDeduper) -> None:
    number = deployed.ask("GET", "/deduper/jobs").json()["jobId"]
    status = deployed.ask("GET", f"/deduper/jobs/{number}")
    cancel = deployed.ask("POST", f"/deduper/jobs/{number}/cancel")
    assert [(answer.status_code, answer.text) for answer in (status, cancel)] == [
        (404, '{"error":"Job not found"}\n')
    ] * 2


def test_as_documented_a_finished_job_tells_how_it_ended(documented: FlaskDeduper) -> None:
    number = documented.ask("GET", "/deduper/jobs/reportId/4").json()["jobId"]
    documented.ended(number)
    until(lambda: "completedAt" in documented.ask("GET", f"/deduper/jobs/{number}").json())
    told = documented.ask("GET", f"/deduper/jobs/{number}").json()
    assert told.keys() == {
        *("jobId", "reportId", "status", "createdAt", "startedAt", "completedAt", "exitCode"),
        *("stdout", "stderr"),
    }
    assert (told["status"], told["exitCode"], told["reportId"]) == ("failed", 4, 4)
    refused = documented.ask("POST", f"/deduper/jobs/{number}/cancel")
    assert (refused.status_code, refused.json()) == (
        400,
        {"error": "Cannot cancel job with status: failed"},
    )
    assert documented.ask("GET", "/deduper/jobs/999").json() == {"error": "Job not found"}
    assert documented.ask("GET", "/deduper/jobs/x").headers["content-type"] == HTML


def test_as_documented_a_cancelled_job_was_ended_by_a_signal_unless_it_was_deaf(
    documented: FlaskDeduper,
) -> None:
    numbers = {
        report: documented.ask("GET", f"/deduper/jobs/reportId/{report}").json()["jobId"]
        for report in (70, 77)
    }
    for report in numbers:
        documented.started(report)
    running = documented.ask("GET", f"/deduper/jobs/{numbers[70]}").json()
    assert running.keys() == {"jobId", "reportId", "status", "createdAt", "startedAt"}
    with ThreadPoolExecutor() as threads:  # each takes a second of sleep
        answers = list(
            threads.map(
                lambda number: documented.ask("POST", f"/deduper/jobs/{number}/cancel"), numbers.values()
            )
        )
    assert [answer.json()["status"] for answer in answers] == ["cancelled", "cancelled"]
    ended = [documented.ask("GET", f"/deduper/jobs/{number}") for number in numbers.values()]
    assert (ended[0].json()["status"], ended[0].json()["exitCode"]) == ("cancelled", -15)
    # The race of the legacy: the waiting thread writes over the cancellation.
    until(lambda: documented.job(numbers[77])["status"] == "failed")
    assert documented.ask("GET", f"/deduper/jobs/{numbers[77]}").json()["exitCode"] == -9


def test_clearing_ends_jobs_first_and_keeps_the_list(deployed: FlaskDeduper) -> None:
    number = deployed.ask("GET", "/deduper/jobs/reportId/71").json()["jobId"]
    deployed.started(71)
    answer = deployed.ask("DELETE", "/deduper/clear-db-table")
    told = answer.json()
    assert (answer.status_code, told.pop("timestamp")[-6:]) == (200, "+00:00")
    assert told == {
        "cancelledJobs": [number],
        "cleared": True,
        "exitCode": 0,
        "stderr": "a note\n",
        "stdout": "rows deleted\n",
    }
    assert deployed.job(number)["status"] == "cancelled"


def test_a_clear_that_fails_is_a_500(deployed: FlaskDeduper) -> None:
    told = deployed.program / "clear-fails"
    told.touch()
    answer = deployed.ask("DELETE", "/deduper/clear-db-table")
    told.unlink()
    keys = {"cancelledJobs", "cleared", "error", "exitCode", "stderr", "stdout", "timestamp"}
    assert (answer.status_code, answer.json().keys()) == (500, keys)
    assert answer.json()["error"] == "Clear table command failed"


def test_a_clear_that_hangs_is_a_500(tmp_path: Path) -> None:
    program = scripted_program(tmp_path / "program")
    (program / "clear-hangs").touch()
    with flask_deduper(program, DEDUPER_FLASK_CLEAR_SECONDS="0.3") as running:
        answer = running.ask("DELETE", "/deduper/clear-db-table")
    assert (answer.status_code, answer.json().keys()) == (500, {"cancelledJobs", "error", "timestamp"})
    assert answer.json()["error"] == "Clear table command timed out"


def test_a_job_made_while_clearing_breaks_the_clearing(documented: FlaskDeduper) -> None:
    reports = range(72, 77)  # each is waited for: the clearing goes on while the other job is made
    for report in reports:
        documented.ask("GET", f"/deduper/jobs/reportId/{report}")
    for report in reports:
        documented.started(report)
    calls = (documented.program / "calls").read_text().count("clear_table")
    with ThreadPoolExecutor() as threads:
        living = _living_children(documented)
        clearing = threads.submit(documented.ask, "DELETE", "/deduper/clear-db-table")
        until(lambda: _living_children(documented) < living, what="the clearing has begun")
        documented.ask("GET", "/deduper/jobs/reportId/1")
        answer = clearing.result(40)
    assert (answer.status_code, answer.json()["error"]) == (500, "dictionary changed size during iteration")
    assert (documented.program / "calls").read_text().count("clear_table") == calls


def test_health_counts_jobs_and_stays_healthy_whatever_is_missing(tmp_path: Path) -> None:
    with flask_deduper(Path(), PATH_TO_PYTHON_VENV="", PATH_TO_MICROSERVICE_DEDUPER="") as running:
        number = running.ask("GET", "/deduper/jobs").json()["jobId"]
        assert running.ended(number)["status"] == "failed"
        told = running.ask("GET", "/deduper/health").json()
        cleared = running.ask("DELETE", "/deduper/clear-db-table")
    missing = "Missing environment variables for deduper or python venv"
    assert (cleared.status_code, cleared.json()) == (500, {"error": missing})
    assert told["status"] == "healthy"
    assert told["environment"] == {"deduper_path_configured": False, "python_venv_configured": False}
    counts = {"total": 1, "pending": 0, "running": 0, "completed": 0, "failed": 1, "cancelled": 0}
    assert told["jobs"] == counts


def test_wrong_paths_are_found_when_the_job_starts(tmp_path: Path) -> None:
    program = scripted_program(tmp_path / "program")
    gone = str(tmp_path / "gone")
    with flask_deduper(program, PATH_TO_PYTHON_VENV=gone, DEDUPER_FLASK_FIXED_IDS="1") as running:
        running.ask("GET", "/deduper/jobs")
        running.ended(1)
        until(lambda: "completedAt" in running.ask("GET", "/deduper/jobs/1").json())
        told = running.ask("GET", "/deduper/jobs/1").json()
    assert told["error"] == f"[Errno 2] No such file or directory: '{gone}/bin/python'"
    assert "exitCode" not in told
    with flask_deduper(Path(gone)) as running:
        running.ask("GET", "/deduper/jobs")
        assert running.ended(1)["status"] == "failed"
        assert running.ask("GET", "/deduper/health").json()["status"] == "unhealthy"
        assert running.ask("DELETE", "/deduper/clear-db-table").json()["exitCode"] == 2


def _living_children(running: FlaskDeduper) -> int:
    children = psutil.Process(running.process.pid).children()
    return sum(child.status() != psutil.STATUS_ZOMBIE for child in children)
