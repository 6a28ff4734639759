"""OpenTelemetry traces; FastAPI makes the spans itself once a provider is set."""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from caravan import __version__
from caravan.core.settings import Settings

__all__ = ["configure_traces", "current_trace"]


def configure_traces(settings: Settings, service: str) -> TracerProvider | None:
    """Start exporting spans when the setting asks for it; OTEL_EXPORTER_OTLP_* name where to."""
    if settings.traces == "none":
        return None
    exporter: SpanExporter = OTLPSpanExporter() if settings.traces == "otlp" else ConsoleSpanExporter()
    provider = TracerProvider(
        resource=Resource.create({"service.name": service, "service.version": __version__}),
        sampler=ParentBasedTraceIdRatio(settings.trace_sample),
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider


def current_trace() -> str | None:
    """Return the id of the trace in hand as 32 hex digits, or None."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None
