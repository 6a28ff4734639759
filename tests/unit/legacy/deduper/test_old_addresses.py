"""Every question of the parity matrix that needs no job, asked of the worker's routes."""

import pytest

from caravan.core.http import route_rules
from caravan.legacy import deduper
from caravan.legacy.deduper.probes import PROBES, Probe, Situation
from tests.fixtures.applications import running_application
from tests.fixtures.deduper_probing import ask, judge
from tests.unit.legacy.deduper.conftest import NOWHERE, Worker

pytestmark = pytest.mark.asyncio(loop_scope="session")

OF_NO_JOB = [
    probe
    for probe in PROBES
    if probe.situation is Situation.EMPTY and not probe.name.startswith(("health", "clear"))
]


@pytest.mark.parametrize("probe", OF_NO_JOB, ids=lambda probe: probe.name[:60])
async def test_a_question_without_jobs_is_answered_as_the_matrix_says(worker: Worker, probe: Probe) -> None:
    judge(await ask(worker.running.client, probe), probe.expected)


@pytest.mark.parametrize("path", ["/deduper/jobs", "/deduper/jobs/reportId/5", "//deduper/jobs"])
async def test_head_and_options_create_nothing(worker: Worker, path: str) -> None:
    url = f"http://caravan.test{path}"
    for method in ("HEAD", "OPTIONS"):
        await worker.running.client.request(method, url)
    assert worker.queue.jobs == []
    await worker.running.client.get(url)
    assert len(worker.queue.jobs) == 1


async def test_an_inner_double_slash_creates_nothing_before_it_is_followed(worker: Worker) -> None:
    moved = await worker.running.client.get("/deduper//jobs")
    assert (moved.status_code, worker.queue.jobs) == (308, [])


async def test_the_report_goes_into_the_queue_digit_for_digit(worker: Worker) -> None:
    long = "9" * 5000
    answer = await worker.running.client.get(f"/deduper/jobs/reportId/00{long}")
    assert answer.status_code == 201
    assert answer.content == b'{"jobId":1,"reportId":%b,"status":"pending"}\n' % long.encode()
    assert worker.queue.jobs[0].reference == long


async def test_where_the_platform_serves_them_other_paths_keep_their_errors(unset: None) -> None:
    shapes = deduper.error_shapes()
    async with running_application(NOWHERE, deduper.routers(), error_shapes=shapes) as running:
        ours = await running.client.get("/api/v1/nothing")
        assert (ours.status_code, ours.json()["error_code"]) == (404, "path_not_found")
        for path in ("/deduper/nothing", "/test/"):
            theirs = await running.client.get(path)
            assert (theirs.status_code, theirs.text.startswith("<!doctype html>")) == (404, True)


async def test_every_address_says_that_it_is_open_to_everybody() -> None:
    rules = list(route_rules(deduper.routers()))
    assert len(rules) == 10
    assert all(rule.public for rule in rules)
