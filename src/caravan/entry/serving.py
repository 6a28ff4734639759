"""What every process that serves HTTP does: its own socket on the shared port, the server, an orderly end."""

import gc
import signal
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from caravan.core.http.edge import context_processor
from caravan.core.processes import end_with_supervisor
from caravan.core.settings import Settings, load_settings
from caravan.core.telemetry.logs import configure_logs
from caravan.core.telemetry.traces import configure_traces
from caravan.entry.addresses import Addresses, opened_servers
from caravan.entry.ports import listening_socket

__all__ = ["serve"]


def serve(build: Callable[[Settings, Addresses], ASGIApp], *, name: str, redis: bool) -> None:
    """Build the application and serve it until SIGTERM; ``name`` is the service's in traces."""
    # The server, when it is done, sends itself once more the signal it ended by; there is still something to close then.
    signal.signal(signal.SIGTERM, _end_in_order)
    end_with_supervisor()
    settings = load_settings()
    configure_logs(level=settings.log_level, style=settings.log_format, context=context_processor)
    provider = configure_traces(settings, name)
    try:
        with opened_servers(settings, redis=redis) as addresses:
            _serve(build(settings, addresses), settings)
    finally:
        if provider is not None:
            provider.shutdown()


def _serve(application: ASGIApp, settings: Settings) -> None:
    gc.collect()
    gc.freeze()  # what start-up made stays: walking it again and again would stop every request for 0.1 s
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        lifespan="on",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=8,
        backlog=2048,
    )
    uvicorn.Server(config).run(sockets=[listening_socket(settings.host, settings.port)])


def _end_in_order(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
