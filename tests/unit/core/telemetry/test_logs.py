"""Log lines are JSON with the request they belong to, also those of the libraries."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from uuid import UUID

import pytest
import structlog

from caravan.core.http.context import RequestContext, request_context
from caravan.core.http.edge import context_processor
from caravan.core.principal import Principal, PrincipalKind
from caravan.core.telemetry.logs import AccessLog, configure_logs

ORG = UUID("019a0000-0000-7000-8000-000000000002")


@pytest.fixture
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


pytestmark = pytest.mark.usefixtures("_logging_as_before")


def parsed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_carries_level_time_and_the_request_in_hand(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="info", style="json", context=context_processor)
    who = Principal(PrincipalKind.USER, id=ORG, org=ORG)
    token = request_context.set(RequestContext("req-12345678", "GET", "/x", "127.0.0.1", 0.0, who))
    structlog.get_logger("test").info("order.placed", order=7)
    request_context.reset(token)
    (line,) = parsed(capsys)
    assert line["event"] == "order.placed"
    assert (line["level"], line["order"]) == ("info", 7)
    assert (line["request_id"], line["org"], line["principal"]) == ("req-12345678", str(ORG), f"user:{ORG}")
    assert str(line["timestamp"]).endswith("Z")


def test_the_lines_of_libraries_look_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="info", style="json")
    logging.getLogger("somebody.else").warning("it rains in %s", "Oran")
    (line,) = parsed(capsys)
    assert (line["event"], line["level"]) == ("it rains in Oran", "warning")


def test_an_exception_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="info", style="json")
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        structlog.get_logger("test").exception("sum.failed")
    (line,) = parsed(capsys)
    assert "ZeroDivisionError" in str(line["exception"])


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="warning", style="json")
    structlog.get_logger("test").info("quiet")
    logging.getLogger("uvicorn.access").info("quiet too")
    assert capsys.readouterr().err == ""


def test_people_may_have_it_readable(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="info", style="console")
    structlog.get_logger("test").info("order.placed", order=7)
    printed = capsys.readouterr().err
    assert "order.placed" in printed
    assert not printed.startswith("{")


def test_an_access_line_is_one_object_per_line() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw)
    log = AccessLog(stream)
    log.write({"status": 200, "org": ORG})
    log.write({"status": 404})
    assert [json.loads(line) for line in raw.getvalue().splitlines()] == [
        {"status": 200, "org": str(ORG)},
        {"status": 404},
    ]


@pytest.mark.asyncio
async def test_access_lines_of_one_turn_leave_together() -> None:
    class Counting(io.BytesIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    raw = Counting()
    stream = io.TextIOWrapper(raw)
    log = AccessLog(stream)
    before = raw.flushed
    for status in (200, 404):
        log.write({"status": status})
    assert raw.flushed == before
    await asyncio.sleep(0)
    assert raw.flushed == before + 1
    log.write({"status": 500})
    await asyncio.sleep(0)
    assert raw.flushed == before + 2
    assert raw.getvalue().count(b"\n") == 3
    stream.detach()
