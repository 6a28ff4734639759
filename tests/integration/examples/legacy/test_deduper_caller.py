"""The caller in miniature passes the queue's answers on as the legacy's `api/` does."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from tests.fixtures.command_line import ROOT, until
from tests.fixtures.deduper_flask import FlaskDeduper
from tests.fixtures.deduper_program import Articles, generated
from tools.free_ports import free_port

CALLER = ROOT / "examples/legacy/deduper-caller/caller.py"


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Articles:
    """A database whose report 71 has one article; the program waits for reports from 70 on."""
    made = generated(tmp_path_factory.mktemp("articles"), approved=100)
    made.ask(
        "INSERT INTO ArticleReportContracts VALUES (900, 71, 1, '71-1', 1, NULL, '2026-01-01', '2026-01-01')"
    )
    return made


@contextmanager
def caller(base_url: str, articles: Articles) -> Iterator[str]:
    """Run the caller with this base URL; yields its own."""
    port = free_port()
    environment = {
        "URL_BASE_NEWS_NEXUS_PYTHON_QUEUER": base_url,
        "PATH_DATABASE": str(articles.folder),
        "NAME_DB": "articles.db",
    }
    process = subprocess.Popen([sys.executable, str(CALLER), "--port", str(port)], env=environment)
    url = f"http://127.0.0.1:{port}/analysis/deduper"
    try:
        until(lambda: process.poll() is None and _answers(url), what="the caller answers")
        yield url
    finally:
        process.kill()
        process.wait(10)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/nothing", timeout=30).status_code == 404
    except httpx2.TransportError:
        return False


def test_what_the_queue_answers_goes_through(deployed: FlaskDeduper, articles: Articles) -> None:
    with caller(f"{deployed.url}/", articles) as url:
        cleared = httpx2.delete(f"{url}/clear-article-duplicate-analyses-table", timeout=30)
        assert (cleared.status_code, cleared.json()["result"]) == (200, True)
        assert cleared.json()["pythonQueuerResponse"]["cleared"] is True
        requested = httpx2.get(f"{url}/request-job/71", timeout=30)
        told = requested.json()
        assert (requested.status_code, told["result"], told["articleCount"]) == (201, True, 1)
        assert told["pythonQueuerResponse"].keys() == {"jobId", "reportId", "status"}
        listed = httpx2.get(f"{url}/job-list-status", timeout=30)
        number = told["pythonQueuerResponse"]["jobId"]
        assert listed.status_code == 200
        assert number in {job["jobId"] for job in listed.json()["jobs"]}
        (deployed.program / "clear-fails").touch()
        failed = httpx2.delete(f"{url}/clear-article-duplicate-analyses-table", timeout=30)
        (deployed.program / "clear-fails").unlink()
        assert (failed.status_code, failed.json()["result"]) == (500, False)
        assert failed.json()["pythonQueuerResponse"]["exitCode"] == 3
        assert failed.json()["error"] == "Request failed with status code 500"


def test_a_report_without_articles_never_reaches_the_queue(articles: Articles) -> None:
    with caller("", articles) as url:
        absent = httpx2.get(f"{url}/request-job/12345", timeout=30)
        assert (absent.status_code, absent.json().keys()) == (404, {"result", "message"})
        unset = httpx2.get(f"{url}/request-job/71", timeout=30)
        assert (unset.status_code, unset.json().keys()) == (500, {"result", "message"})


def test_a_base_url_without_its_slash_and_a_queue_that_is_away_are_500(
    deployed: FlaskDeduper, articles: Articles
) -> None:
    for base_url in (deployed.url, f"http://127.0.0.1:{free_port()}/"):
        with caller(base_url, articles) as url:
            answer = httpx2.get(f"{url}/request-job/71", timeout=30)
            assert (answer.status_code, answer.json().keys()) == (500, {"result", "message", "error"})
