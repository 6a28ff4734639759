"""Structured logs on standard error, each line with the request, organisation and job it belongs to."""

import asyncio
import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.types import Processor

__all__ = ["AccessLog", "configure_logs"]


def configure_logs(
    *, level: str, style: Literal["json", "console"], context: Processor | None = None
) -> None:
    """Send our lines and those of the libraries through one chain; ``context`` adds the request in hand."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        *([context] if context else []),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=_dump)
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    for noisy in ("uvicorn.access", "asyncio", "kombu", "amqp"):
        logging.getLogger(noisy).setLevel(max(number, logging.WARNING))
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True


def _dump(event: MutableMapping[str, Any], **_options: object) -> str:
    return orjson.dumps(event, default=str).decode()


class AccessLog:
    """One line per request. It bypasses the logging chain: the line is fixed, and this runs on every request.

    Lines of one turn of the event loop leave together, in one call of the system.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = (stream or sys.stderr).buffer
        self._waiting = False

    def write(self, line: Mapping[str, Any]) -> None:
        """Write one object as a line of JSON."""
        self._stream.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE, default=str))
        if self._waiting:
            return
        try:
            asyncio.get_running_loop().call_soon(self._flush)
        except RuntimeError:  # no loop runs: there is no turn to wait for
            self._stream.flush()
        else:
            self._waiting = True

    def _flush(self) -> None:
        self._waiting = False
        self._stream.flush()
