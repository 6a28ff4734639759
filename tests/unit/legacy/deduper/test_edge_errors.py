"""What our edge refuses on the old addresses is told as the legacy's framework told errors."""

import pytest

from caravan.core.limits import Limiter
from caravan.legacy import deduper
from caravan.legacy.deduper.queue import SERVICE
from tests.fixtures.applications import running_application
from tests.unit.legacy.deduper.conftest import NOWHERE, RememberedQueue, Worker

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_body_over_the_limit_is_413(worker: Worker) -> None:
    refused = await worker.running.client.post("/test", content=b" " * 200_001)
    assert (refused.status_code, refused.headers["content-type"]) == (413, "text/html; charset=utf-8")
    assert "<title>413 Request Entity Too Large</title>" in refused.text


async def test_a_forged_host_is_400_and_creates_nothing(worker: Worker) -> None:
    refused = await worker.running.client.get("/deduper/jobs", headers={"Host": "evil.example<b>"})
    assert (refused.status_code, worker.queue.jobs) == (400, [])
    assert refused.text.startswith("<!doctype html>\n<html lang=en>\n<title>400 Bad Request</title>")
    assert "<b>" not in refused.text


async def test_too_many_requests_is_429_with_when_to_return(unset: None) -> None:
    async with running_application(
        NOWHERE,
        deduper.routers(),
        error_shapes=deduper.error_shapes(alone=True),
        limiter=Limiter(None),
        rate_limit_requests=2,
    ) as running:
        running.state.services[SERVICE] = RememberedQueue()
        answers = [await running.client.get("/deduper/jobs/list") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "<title>429 Too Many Requests</title>" in answers[-1].text
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_a_bad_token_does_not_matter(worker: Worker) -> None:
    answer = await worker.running.client.get(
        "/deduper/jobs/list", headers={"Authorization": "Bearer nonsense"}
    )
    assert answer.status_code == 200
