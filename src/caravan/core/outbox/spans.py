"""One span per handling of an event, in the trace of the request that emitted it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy import Row

__all__ = ["handling_span"]

_W3C: Final = TraceContextTextMapPropagator()


@contextmanager
def handling_span(row: Row[Any], handler: str) -> Iterator[None]:
    """Put what runs inside into a span below the event's ``traceparent`` (W3C Trace Context); names are OpenTelemetry's.

    An event without one begins a trace. What is raised is recorded, and goes on.
    """
    parent = _W3C.extract({"traceparent": row.trace} if row.trace else {}, context=Context())
    attributes = {
        "messaging.system": "caravan.outbox",
        "messaging.operation.type": "process",
        "messaging.destination.name": row.name,
        "messaging.message.id": str(row.id),
        "caravan.handler": handler,
        "caravan.org": str(row.org_id),
        "caravan.attempt": row.failures + 1,
    }
    tracer = trace.get_tracer("caravan.outbox")
    with tracer.start_as_current_span(
        f"process {row.name}", parent, trace.SpanKind.CONSUMER, attributes=attributes
    ):
        yield
