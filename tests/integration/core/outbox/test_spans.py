"""What handles an event is a span of the trace of the request that emitted it."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from caravan.core.outbox import emit
from caravan.core.principal import Principal, PrincipalKind
from tests.fixtures.background import Background

pytestmark = pytest.mark.asyncio

ORG = UUID("11111111-1111-7111-8111-111111111111")
USER = Principal(PrincipalKind.USER, id=uuid4(), org=ORG)
TRACE, SPAN = "ab" * 16, "cd" * 8


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield exporter
    provider.shutdown()


async def write(background: Background, name: str, traceparent: str | None) -> UUID:
    bound = {"traceparent": traceparent} if traceparent else {}
    with structlog.contextvars.bound_contextvars(**bound):
        async with background.connections.app.write(ORG) as session:
            return await emit(session, name, {"mark": "x"}, principal=USER)


async def spans_of(background: Background, exported: InMemorySpanExporter) -> tuple[ReadableSpan, ...]:
    await background.relay.relay_batch()
    await background.deliver()
    return exported.get_finished_spans()


async def test_a_handled_event_is_a_span_below_the_request_that_emitted_it(
    background: Background, exported: InMemorySpanExporter
) -> None:
    event = await write(background, "test.noted", f"00-{TRACE}-{SPAN}-01")
    [span] = await spans_of(background, exported)
    assert span.name == "process test.noted"
    assert (span.context.trace_id, span.parent and span.parent.span_id) == (int(TRACE, 16), int(SPAN, 16))
    assert span.attributes is not None
    assert span.attributes["messaging.message.id"] == str(event)
    assert span.kind is trace.SpanKind.CONSUMER


@pytest.mark.parametrize("stored", [None, "nonsense"])
async def test_an_event_without_a_trace_begins_one(
    background: Background, exported: InMemorySpanExporter, stored: str | None
) -> None:
    await write(background, "test.noted", stored)
    [span] = await spans_of(background, exported)
    assert span.parent is None


async def test_a_request_that_was_not_sampled_has_its_events_not_sampled(
    background: Background, exported: InMemorySpanExporter
) -> None:
    await write(background, "test.noted", f"00-{TRACE}-{SPAN}-00")
    assert await spans_of(background, exported) == ()
    assert background.marks() == ["x"]


async def test_a_failed_attempt_says_so_in_its_span(
    background: Background, exported: InMemorySpanExporter
) -> None:
    await write(background, "test.breaks", f"00-{TRACE}-{SPAN}-01")
    span = (await spans_of(background, exported))[0]
    assert not span.status.is_ok
    assert [event.name for event in span.events] == ["exception"]
