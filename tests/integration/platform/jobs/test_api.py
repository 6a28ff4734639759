"""/api/v1/jobs: 202, list, detail, log, cancel, each for who may."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.platform.jobs import routers
from caravan.platform.jobs.retention import remove_old_output
from tests.fixtures.applications import RunningApplication, caller, running_application
from tests.integration.platform.jobs.conftest import Jobs

pytestmark = pytest.mark.asyncio

URL = "/api/v1/jobs"
BODY = {"workflow": "test.shell", "parameters": {"script": "echo out; echo err >&2"}, "reference": "spring"}


@pytest_asyncio.fixture(loop_scope="session")
async def shop(module_database: DatabaseAddress) -> AsyncIterator[RunningApplication]:
    async with running_application(module_database, routers()) as running:
        yield running


def key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


async def test_a_job_is_accepted_runs_and_is_told_about(shop: RunningApplication, jobs: Jobs) -> None:
    who = shop.as_caller(caller("manage_jobs", org=jobs.org))
    made = await shop.client.post(URL, json=BODY, headers=who | key())
    assert made.status_code == 202
    job = made.json()["data"]
    assert made.headers["location"] == f"{URL}/{job['id']}"
    assert (job["state"], job["number"], job["queue"], job["reference"]) == ("pending", 1, "shell", "spring")

    async with jobs.running():
        for _ in range(2000):
            told = (await shop.client.get(made.headers["location"], headers=who)).json()["data"]
            if told["ended_at"]:
                break
            await asyncio.sleep(0.02)
    assert (told["state"], told["exit_code"], told["reason"], told["output_bytes"]) == (
        "completed",
        0,
        "exit",
        8,
    )


async def test_a_create_needs_an_idempotency_key_and_is_done_once(
    shop: RunningApplication, jobs: Jobs
) -> None:
    who = shop.as_caller(caller("manage_jobs", org=jobs.org))
    refused = await shop.client.post(URL, json=BODY, headers=who)
    assert refused.json()["error_code"] == "idempotency_key_missing"
    once = who | key()
    first, again = [await shop.client.post(URL, json=BODY, headers=once) for _ in range(2)]
    assert first.json() == again.json()
    listed = (await shop.client.get(URL, headers=who)).json()["data"]
    assert len(listed) == 1


async def test_jobs_are_leafed_through_from_the_newest(shop: RunningApplication, jobs: Jobs) -> None:
    who = shop.as_caller(caller("view_jobs", org=jobs.org))
    made = [await jobs.create("true") for _ in range(5)]
    await jobs.cancel(made[0])
    seen, cursor = [], None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        answer = (await shop.client.get(URL, params=params, headers=who)).json()
        seen += [job["number"] for job in answer["data"]]
        cursor = answer["pagination"]["next"]
        if cursor is None:
            break
    assert seen == [5, 4, 3, 2, 1]
    cancelled = await shop.client.get(URL, params={"state": "cancelled", "queue": "shell"}, headers=who)
    assert [job["number"] for job in cancelled.json()["data"]] == [1]
    bad = await shop.client.get(URL, params={"cursor": "nonsense"}, headers=who)
    assert bad.json()["error_code"] == "cursor_invalid"


async def test_the_log_is_read_in_parts_also_while_the_job_runs(shop: RunningApplication, jobs: Jobs) -> None:
    who = shop.as_caller(caller("view_jobs", org=jobs.org))
    go = jobs.folder / "go"
    async with jobs.running():
        script = f"echo one; while ! [ -e {go} ]; do sleep 0.02; done; printf 'two\\377' >&2; echo three"
        job = await jobs.create(script)
        await jobs.until_printed(job, b"one")
        url = f"{URL}/{job.id}/log"
        early = await shop.client.get(url, headers=who)
        go.touch()
        await jobs.ended(job)
    assert (early.text, early.headers["x-job-state"], early.headers["x-next-offset"]) == (
        "one\n",
        "running",
        "4",
    )
    rest = await shop.client.get(url, params={"offset": early.headers["x-next-offset"]}, headers=who)
    assert rest.content in (b"two\xffthree\n", b"three\ntwo\xff")
    assert rest.headers["content-type"] == "text/plain; charset=utf-8"
    assert rest.headers["x-dropped-bytes"] == "0"
    assert (await shop.client.get(url, params={"offset": 2}, headers=who)).content.startswith(b"e\n")
    assert (await shop.client.get(url, params={"stream": "stderr"}, headers=who)).content == b"two\xff"
    assert (await shop.client.get(url, params={"tail": 3}, headers=who)).content
    end = await shop.client.get(url, params={"offset": rest.headers["x-next-offset"]}, headers=who)
    assert (end.content, end.headers["x-next-offset"]) == (b"", rest.headers["x-next-offset"])


async def test_a_log_with_a_gap_tells_how_many_bytes_are_missing(
    shop: RunningApplication, jobs: Jobs
) -> None:
    who = shop.as_caller(caller("view_jobs", org=jobs.org))
    async with jobs.running():
        job = await jobs.ended(await jobs.create("yes | head -c 3000000", output=20_000))
    read, offset, dropped = 0, 0, 0
    while True:
        part = await shop.client.get(f"{URL}/{job.id}/log", params={"offset": offset}, headers=who)
        if not part.content:
            break
        read += len(part.content)
        dropped += int(part.headers["x-dropped-bytes"])
        offset = int(part.headers["x-next-offset"])
    assert read + dropped == offset == 3_000_000
    assert dropped > 2_000_000


async def test_a_log_that_was_removed_is_gone(shop: RunningApplication, jobs: Jobs) -> None:
    who = shop.as_caller(caller("view_jobs", org=jobs.org))
    async with jobs.running():
        job = await jobs.ended(await jobs.create("echo old"))
    await remove_old_output(jobs.system, utc_now())
    answer = await shop.client.get(f"{URL}/{job.id}/log", headers=who)
    assert (answer.status_code, answer.json()["error_code"]) == (410, "job_log_gone")
    assert (await shop.client.get(f"{URL}/{job.id}", headers=who)).status_code == 200


async def test_a_job_is_cancelled_once(shop: RunningApplication, jobs: Jobs) -> None:
    who = shop.as_caller(caller("manage_jobs", org=jobs.org))
    job = await jobs.create("true")
    done = await shop.client.post(f"{URL}/{job.id}/cancel", headers=who)
    assert (done.status_code, done.json()["data"]["state"]) == (200, "cancelled")
    again = await shop.client.post(f"{URL}/{job.id}/cancel", headers=who)
    assert (again.status_code, again.json()["error_code"]) == (409, "job_not_cancellable")
    assert again.json()["message"] == "Cannot cancel job with status: cancelled"


async def test_who_may_look_may_not_run_and_other_organisations_see_nothing(
    shop: RunningApplication, jobs: Jobs
) -> None:
    looker = shop.as_caller(caller("view_jobs", org=jobs.org))
    stranger = shop.as_caller(caller("manage_jobs"))
    job = await jobs.create("true")
    assert (await shop.client.post(URL, json=BODY, headers=looker | key())).status_code == 403
    assert (await shop.client.post(f"{URL}/{job.id}/cancel", headers=looker)).status_code == 403
    assert (await shop.client.get(URL, headers=shop.as_caller(caller("view_usage")))).status_code == 403
    for method, path in (("GET", ""), ("GET", "/log"), ("POST", "/cancel")):
        answer = await shop.client.request(method, f"{URL}/{job.id}{path}", headers=stranger)
        assert (answer.status_code, answer.json()["error_code"]) == (404, "job_not_found")
    assert (await shop.client.get(URL, headers=stranger)).json()["data"] == []
    assert (await shop.client.get(URL)).status_code == 401


async def test_what_cannot_run_is_refused_with_its_reason(shop: RunningApplication, jobs: Jobs) -> None:
    who = shop.as_caller(caller("manage_jobs", org=jobs.org))
    unknown = await shop.client.post(URL, json={"workflow": "make.tea"}, headers=who | key())
    assert (unknown.status_code, unknown.json()["error_code"]) == (422, "workflow_unknown")
    wrong = await shop.client.post(
        URL, json={"workflow": "audit.verify", "parameters": {"findings": -1}}, headers=who | key()
    )
    assert (wrong.status_code, wrong.json()["error_code"]) == (422, "job_parameters_invalid")
    assert wrong.json()["details"]["problems"][0]["where"] == "findings"
    offered = (await shop.client.get(f"{URL}/workflows", headers=who)).json()["data"]
    assert {"audit.verify", "test.shell"} <= {each["name"] for each in offered}
