"""Accepted differences that one question alone does not show, on both sides: an acceptance that nothing shows would be idle."""

import asyncio
from typing import Final

import pytest

from caravan.legacy.deduper.accepted_differences import ACCEPTED
from caravan.legacy.deduper.probes import PROBES
from tests.contracts.deduper.conftest import Legacy, Ours
from tests.unit.docs.markdown import ROOT
from tests.unit.docs.requirements_table import absent_tests

asynchronous = pytest.mark.asyncio(loop_scope="session")

UNIT: Final = "tests/unit/legacy/deduper/"
INTEGRATION: Final = "tests/integration/legacy/deduper/"
HERE: Final = "tests/contracts/deduper/test_accepted_differences.py::"
SHOWN: Final = {
    "id-canonical": HERE + "test_only_one_form_of_an_id_finds_a_job",
    "one-at-a-time": HERE + "test_jobs_wait_for_their_turn",
    "cancel-is-certain": HERE + "test_a_cancelled_job_stays_cancelled",
    "clear-holds-the-queue": HERE + "test_a_job_created_while_the_table_is_emptied_waits",
    "jobs-survive": INTEGRATION + "test_alone.py::test_it_runs_jobs_and_remembers_them",
    "list-is-bounded": INTEGRATION + "test_jobs.py::test_the_list_has_the_last_jobs_only",
    "list-a-moment-later": UNIT + "test_kept.py::test_it_asks_once_per_moment",
    "report-any-length": HERE + "test_a_report_may_have_more_digits_than_an_integer_of_python",
    "time-out": UNIT + "test_workflow.py::test_there_is_no_time_out_unless_it_is_set",
    "environment-of-the-program": HERE + "test_the_program_does_not_see_our_settings",
    "output-is-kept": INTEGRATION + "test_jobs.py::test_what_the_program_prints_is_kept_with_its_job",
    "failures-in-our-words": UNIT + "test_failures.py::test_what_is_not_ours_to_tell_is_not_told",
    "service-unavailable": UNIT + "test_failures.py::test_reads_that_fail_are_pages_of_503",
    "limits-of-the-edge": UNIT + "test_edge_errors.py",
    "not-http": HERE + "test_a_method_nobody_has_heard_of_is_no_http",
    "own-addresses": HERE + "test_orchestrators_and_people_have_addresses_of_their_own",
    "headers": HERE + "test_connections_are_kept_and_requests_have_ids",
}


def test_every_accepted_difference_is_shown() -> None:
    by_questions = {probe.difference for probe in PROBES if probe.difference}
    assert by_questions.isdisjoint(SHOWN)
    assert by_questions | SHOWN.keys() == {each.id for each in ACCEPTED}
    rows = [{"id": name, "status": f"done: `{test}`"} for name, test in SHOWN.items()]
    assert absent_tests(rows, ROOT) == []


@asynchronous
async def test_only_one_form_of_an_id_finds_a_job(legacy: Legacy, ours: Ours) -> None:
    answers = []
    for side in (legacy(), ours()):
        side.program.says("analyze_fast", "exit 0")
        assert await side.create() == 1
        asked = [await side.ask("GET", f"/deduper/jobs/{form}") for form in ("01", "abc")]
        answers.append([(each.status_code, each.headers["content-type"]) for each in asked])
    html, json = "text/html; charset=utf-8", "application/json"
    assert answers == [[(200, json), (404, html)], [(404, json), (404, json)]]


@asynchronous
async def test_jobs_wait_for_their_turn(legacy: Legacy, ours: Ours) -> None:
    found = []
    for side in (legacy(), ours()):
        side.program.says("analyze_fast", "hang")
        numbers = [await side.create() for _ in range(2)]
        await side.began()
        found.append([await side.status(number) for number in numbers])
    assert found == [["running", "running"], ["running", "pending"]]


@asynchronous
async def test_a_cancelled_job_stays_cancelled(legacy: Legacy, ours: Ours) -> None:
    async def cancelled(deaf: Legacy | Ours) -> tuple[str, int]:
        side = deaf()
        side.program.says("analyze_fast", "ignore")
        number = await side.create()
        await side.began()
        said = (await side.ask("POST", f"/deduper/jobs/{number}/cancel")).json()["status"]
        assert said == "cancelled"
        if side.new:
            assert await side.status(number) == "cancelled"
            side.program.release()  # or it would be waited for until its grace is over

        async def reaped() -> bool:
            return side.new or await side.status(number) != said

        await side.until(reaped)
        told = await side.told(number)
        return told["status"], told.get("exitCode", 0)

    assert await asyncio.gather(cancelled(legacy), cancelled(ours)) == [("failed", -9), ("cancelled", 0)]


@asynchronous
async def test_a_job_created_while_the_table_is_emptied_waits(legacy: Legacy, ours: Ours) -> None:
    for side, met in ((legacy(), "running"), (ours(), "pending")):
        side.program.says("analyze_fast", "hang")
        side.program.says("clear_table", "hang")
        clearing = asyncio.create_task(side.ask("DELETE", "/deduper/clear-db-table"))
        await side.began()
        side.program.says("analyze_fast", "hang")
        number = await side.create()
        if met == "running":
            await side.began()
        assert (await side.status(number), clearing.done()) == (met, False)
        side.program.release()
        assert (await clearing).status_code == 200


@asynchronous
async def test_a_report_may_have_more_digits_than_an_integer_of_python(legacy: Legacy, ours: Ours) -> None:
    number = "9" * 4301
    answers = [await side.ask("GET", f"/deduper/jobs/reportId/{number}") for side in (legacy(), ours())]
    assert answers[0].status_code in {404, 500}  # one or the other by the release of its framework
    assert answers[1].status_code == 201
    assert number in answers[1].text


@asynchronous
async def test_the_program_does_not_see_our_settings(
    legacy: Legacy, ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"DATABASE_URL": "postgresql://db/ours", "CARAVAN_PORT": "5000", "NAME_DB": "news.db"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    seen = []
    for side in (legacy(**settings), ours()):
        await side.ended(await side.create())
        seen.append(settings.keys() & side.program.environment.keys())
    assert seen == [settings.keys(), {"NAME_DB"}]


@asynchronous
async def test_a_method_nobody_has_heard_of_is_no_http(legacy: Legacy, ours: Ours) -> None:
    answers = [await side.ask("BREW", "/deduper/jobs") for side in (legacy(), ours())]
    kinds = [(answer.status_code, answer.headers["content-type"]) for answer in answers]
    assert kinds == [(405, "text/html; charset=utf-8"), (400, "text/plain; charset=utf-8")]


@asynchronous
@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/startupz", "/version", "/metrics", "/docs", "/openapi.json"]
)
async def test_orchestrators_and_people_have_addresses_of_their_own(
    legacy: Legacy, ours: Ours, path: str
) -> None:
    answers = [await side.ask("GET", path) for side in (legacy(), ours())]
    assert [answer.status_code for answer in answers] == [404, 200]


@asynchronous
async def test_connections_are_kept_and_requests_have_ids(legacy: Legacy, ours: Ours) -> None:
    theirs, new = [(await side.ask("GET", "/deduper/health")).headers for side in (legacy(), ours())]
    assert theirs["connection"] == "close"
    assert "werkzeug" in theirs["server"].lower()
    assert new.get("connection") != "close"
    assert {"x-request-id", "x-content-type-options"} <= new.keys()
    assert "x-request-id" not in theirs
