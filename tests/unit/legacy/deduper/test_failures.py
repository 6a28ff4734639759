"""What the views answer when something fails under them."""

import pytest

from caravan.core.http.outages import ServiceUnavailableError
from tests.unit.legacy.deduper.conftest import Worker, a_job

pytestmark = pytest.mark.asyncio(loop_scope="session")

AWAY = ConnectionError("postgresql://caravan:secret@db")
SAID = "The database cannot be reached right now"


@pytest.mark.parametrize("path", ["/deduper/jobs", "/deduper/jobs/reportId/5"])
async def test_a_create_that_fails_says_so_in_json(worker: Worker, path: str) -> None:
    worker.queue.trouble = AWAY
    answer = await worker.running.client.get(path)
    assert (answer.status_code, answer.json()) == (500, {"error": SAID})


async def test_a_cancel_that_fails_says_so_in_json(worker: Worker) -> None:
    worker.queue.jobs.append(a_job())
    worker.queue.trouble = AWAY
    answer = await worker.running.client.post("/deduper/jobs/1/cancel")
    assert (answer.status_code, answer.json()) == (500, {"error": f"Failed to cancel job: {SAID}"})


async def test_health_that_fails_is_unhealthy_with_a_stamp(worker: Worker) -> None:
    worker.queue.trouble = AWAY
    answer = await worker.running.client.get("/deduper/health")
    assert answer.status_code == 500
    assert answer.json() == {"status": "unhealthy", "error": SAID, "timestamp": answer.json()["timestamp"]}
    assert answer.json()["timestamp"].endswith("+00:00")


@pytest.mark.parametrize("path", ["/deduper/jobs/list", "/deduper/jobs/1"])
async def test_reads_that_fail_are_pages_of_503(worker: Worker, path: str) -> None:
    worker.queue.trouble = ServiceUnavailableError()
    answer = await worker.running.client.get(path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.text.startswith("<!doctype html>")


async def test_what_is_not_ours_to_tell_is_not_told(worker: Worker) -> None:
    worker.queue.trouble = ValueError("/etc/passwd")
    answer = await worker.running.client.get("/deduper/jobs")
    assert (answer.status_code, answer.json()) == (500, {"error": "Something went wrong on our side"})
