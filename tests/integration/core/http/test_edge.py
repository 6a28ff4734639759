"""What every request gets at the edge: an id, a checked caller, limits, headers, a line in the log."""

import re
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID, uuid4

import orjson
import pytest
import pytest_asyncio
from fastapi import Request
from fastapi.responses import StreamingResponse
from sqlalchemy import text

from caravan.core.database import DatabaseAddress
from caravan.core.http import Read, api_router, guard, public
from caravan.core.principal import Principal
from caravan.core.protocols import Authenticated, TenancyRequest
from tests.fixtures.applications import RunningApplication, caller, running_application

pytestmark = pytest.mark.asyncio

router = api_router("probe", prefix="/api/v1/probe")


@router.get("/open", operation_id="probeOpen")
async def open_route(who: Annotated[Principal, public()]) -> dict[str, str]:
    return {"who": who.label}


@router.get("/mine", operation_id="probeMine")
async def guarded_route(who: Annotated[Principal, guard("view_usage")], session: Read) -> dict[str, str]:
    tenant = await session.scalar(text("SELECT current_setting('caravan.org')"))
    return {"who": who.label, "tenant": tenant}


@router.get("/broken", operation_id="probeBroken", dependencies=[public()])
async def broken_route() -> None:
    raise ZeroDivisionError("secret detail")


@router.get("/stream", operation_id="probeStream", dependencies=[public()])
async def streaming_route(request: Request) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        request.app.state.parts = 0
        for _ in range(1000):
            request.app.state.parts += 1
            yield b"x" * 1000

    return StreamingResponse(parts())


@router.post("/echo", operation_id="probeEcho", dependencies=[public()])
async def echo_route(request: Request) -> dict[str, int]:
    return {"bytes": len(await request.body())}


@router.get("/shelves/top", operation_id="probeTop", dependencies=[public()])
@router.delete("/shelves/top", operation_id="probeClearTop", dependencies=[public()])
@router.post("/shelves/{name}", operation_id="probeFill", dependencies=[public()])
@router.patch("/shelves/{name}/{row}", operation_id="probeRow", dependencies=[public()])
async def shelf_route() -> None:
    """Several routes at one path, by word and by parameter."""


@pytest_asyncio.fixture(loop_scope="session")
async def running(module_database: DatabaseAddress) -> AsyncIterator[RunningApplication]:
    async with running_application(module_database, [router], max_body_bytes=2048) as application:
        yield application


async def test_an_answer_carries_an_id_and_the_security_headers(running: RunningApplication) -> None:
    answer = await running.client.get("/api/v1/probe/open")
    assert UUID(answer.headers["x-request-id"]).version == 7
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["strict-transport-security"].startswith("max-age=15552000")


@pytest.mark.parametrize(
    ("sent", "kept"), [("order-42.retry_1", True), ("short", False), ("a b c d e f g h", False)]
)
async def test_the_callers_request_id_is_kept_when_it_is_harmless(
    running: RunningApplication, sent: str, kept: bool
) -> None:
    answer = await running.client.get("/api/v1/probe/open", headers={"X-Request-ID": sent})
    assert (answer.headers["x-request-id"] == sent) is kept


async def test_the_tenant_of_the_caller_reaches_the_transaction(running: RunningApplication) -> None:
    who = caller("view_usage")
    answer = await running.client.get("/api/v1/probe/mine", headers=running.as_caller(who))
    assert answer.json() == {"who": who.label, "tenant": str(who.org)}


async def test_a_token_is_checked_once_and_again_after_its_revocation(running: RunningApplication) -> None:
    who = caller("view_usage")
    headers = running.as_caller(who)
    for _ in range(3):
        assert (await running.client.get("/api/v1/probe/mine", headers=headers)).status_code == 200
    assert len(running.authenticator.asked) == 1
    running.authenticator.tokens.clear()
    assert who.id is not None
    running.credentials.revoke(who.id)
    refused = await running.client.get("/api/v1/probe/mine", headers=headers)
    assert (refused.status_code, refused.json()["error_code"]) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("authorization", ["Basic dTpw", "Bearer", "Bearer ", "token"])
async def test_an_unreadable_authorization_is_told_how_to_write_it(
    running: RunningApplication, authorization: str
) -> None:
    answer = await running.client.get("/api/v1/probe/mine", headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert "Bearer <token>" in answer.json()["message"]


async def test_a_bad_token_does_not_close_a_public_route(running: RunningApplication) -> None:
    answer = await running.client.get("/api/v1/probe/open", headers={"Authorization": "Bearer unknown"})
    assert answer.json() == {"who": "anonymous"}


async def test_a_token_may_come_in_the_session_cookie(running: RunningApplication) -> None:
    who = caller("view_usage")
    running.as_caller(who, "in-a-cookie")
    answer = await running.client.get("/api/v1/probe/mine", headers={"Cookie": "session=in-a-cookie"})
    assert answer.json()["who"] == who.label


async def test_tenancy_comes_from_headers_else_from_the_portals_cookies(running: RunningApplication) -> None:
    headers = running.as_caller(caller("view_usage"))
    cookies = {"Cookie": "orgFilter=acme; clientFilter=abc234; projectCode=web"}
    await running.client.get("/api/v1/probe/mine", headers=headers | cookies)
    await running.client.get("/api/v1/probe/mine", headers=headers | cookies | {"X-Caravan-Org": "other"})
    seen = [(asked.org, asked.client, asked.project) for _, asked in running.authenticator.asked[-2:]]
    assert seen == [("acme", "abc234", "web"), ("other", "abc234", "web")]


async def test_a_crash_is_an_answer_without_its_secrets(running: RunningApplication) -> None:
    answer = await running.client.get("/api/v1/probe/broken")
    assert (answer.status_code, answer.json()["error_code"]) == (500, "internal_error")
    assert "secret detail" not in answer.text
    assert answer.headers["x-request-id"]


async def test_errors_are_problem_documents_for_those_who_ask(running: RunningApplication) -> None:
    answer = await running.client.get("/api/v1/nowhere", headers={"Accept": "application/problem+json"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:caravan:error:path_not_found",
        "title": "No such path",
        "status": 404,
        "detail": "There is nothing at /api/v1/nowhere.",
        "instance": "/api/v1/nowhere",
    }


async def test_a_wrong_method_says_which_are_right(running: RunningApplication) -> None:
    answer = await running.client.delete("/api/v1/probe/open")
    assert (answer.status_code, answer.json()["error_code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


async def test_a_wrong_method_is_told_those_of_every_route_at_the_path(running: RunningApplication) -> None:
    for path, allowed in (
        ("top", "DELETE, GET, POST"),
        ("other", "POST"),
        ("top/1", "PATCH"),
    ):
        answer = await running.client.put(f"/api/v1/probe/shelves/{path}")
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


async def test_head_answers_like_get_without_a_body(running: RunningApplication) -> None:
    got = await running.client.get("/api/v1/probe/open")
    head = await running.client.head("/api/v1/probe/open")
    assert head.status_code == got.status_code
    assert head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"]


async def test_head_of_a_stream_ends_it_early(running: RunningApplication) -> None:
    answer = await running.client.head("/api/v1/probe/stream")
    assert answer.content == b""
    assert running.app.state.parts < 1000


async def test_a_body_over_the_limit_is_refused(running: RunningApplication) -> None:
    assert (await running.client.post("/api/v1/probe/echo", content=b"x" * 2048)).json() == {"bytes": 2048}
    assert (await running.client.post("/api/v1/probe/echo", content=b"x" * 2049)).status_code == 413


async def test_a_foreign_host_is_refused(running: RunningApplication) -> None:
    answer = await running.client.get("/api/v1/probe/open", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "host_not_allowed")


async def test_the_access_log_says_who_did_what_how_long(running: RunningApplication) -> None:
    who = caller("view_usage")
    answer = await running.client.get("/api/v1/probe/mine?q=private", headers=running.as_caller(who))
    line = orjson.loads(running.log_lines()[-1])
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/probe/mine", 200)
    assert (line["principal"], line["org"]) == (who.label, str(who.org))
    assert line["bytes"] == len(answer.content)
    assert line["ms"] > 0
    assert "private" not in str(line)


async def test_health_is_neither_logged_nor_limited(running: RunningApplication) -> None:
    before = len(running.log_lines())
    answer = await running.client.get("/livez")
    assert answer.json() == {"status": "ok", "detail": ""}
    assert "ratelimit" not in answer.headers
    assert len(running.log_lines()) == before


async def test_metrics_name_the_route_not_the_path(running: RunningApplication) -> None:
    await running.client.get("/api/v1/probe/open")
    exposition = (await running.client.get("/metrics")).text
    assert (
        'caravan_http_request_seconds_count{method="GET",route="/api/v1/probe/open",status="200"}'
        in exposition
    )


async def test_a_check_in_flight_while_something_is_revoked_is_not_remembered(
    running: RunningApplication,
) -> None:
    who = caller("view_usage")
    headers = running.as_caller(who)
    plain = running.authenticator.authenticate

    async def revoked_meanwhile(credential: str, tenancy: TenancyRequest) -> Authenticated:
        checked = await plain(credential, tenancy)
        running.credentials.revoke(uuid4())
        return checked

    running.authenticator.authenticate = revoked_meanwhile  # type: ignore[method-assign]  # a race, made certain
    before = len(running.authenticator.asked)
    for _ in range(2):
        assert (await running.client.get("/api/v1/probe/mine", headers=headers)).status_code == 200
    assert len(running.authenticator.asked) == before + 2


async def test_the_documentation_is_served_from_our_own_files(running: RunningApplication) -> None:
    page = await running.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    for source in re.findall(r'(?:src|href)="(/docs/[^"]+)"', page.text):
        assert (await running.client.get(source)).status_code == 200
    assert "//" not in page.text.replace("<!doctype", "")
    assert (await running.client.get("/docs/../errors.py")).status_code == 404


async def test_a_database_that_is_away_is_told_as_such(running: RunningApplication) -> None:
    async def away(_credential: str, _tenancy: TenancyRequest) -> Authenticated:
        raise ConnectionRefusedError("nobody listens")

    running.authenticator.authenticate = away  # type: ignore[method-assign]  # an outage, made certain
    answer = await running.client.get("/api/v1/probe/mine", headers={"Authorization": "Bearer any"})
    assert (answer.status_code, answer.json()["error_code"]) == (503, "service_unavailable")
    assert answer.headers["retry-after"] == "2"


async def test_a_body_declared_too_large_is_refused_unread(running: RunningApplication) -> None:
    answer = await running.client.post("/api/v1/probe/echo", content=b"x" * 5000)
    assert (answer.status_code, answer.json()["error_code"]) == (413, "body_too_large")
