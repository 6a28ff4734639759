"""Trouble in one line, and the trace in hand."""

import pytest
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from caravan.core.outbox import current_traceparent, in_short


@pytest.mark.parametrize(
    ("error", "line"),
    [(OSError("a\nb"), "a"), (TimeoutError(), "TimeoutError"), (ValueError(" \n"), "ValueError")],
)
def test_trouble_is_told_in_one_line(error: Exception, line: str) -> None:
    assert in_short(error) == line


def test_the_trace_in_hand_is_written_as_the_standard_has_it() -> None:
    span = NonRecordingSpan(SpanContext(0xA1, 0xB2, is_remote=False, trace_flags=TraceFlags(1)))
    with use_span(span):
        assert current_traceparent() == f"00-{0xA1:032x}-{0xB2:016x}-01"
    assert current_traceparent() is None
