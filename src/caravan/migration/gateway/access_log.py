"""One line per request, written in bundles: a share of those that went well, all that did not."""

import random
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, Final

import orjson

if TYPE_CHECKING:
    from caravan.migration.gateway.flight import Flight

__all__ = ["AccessLog"]

_BUNDLE: Final = 256
_TROUBLE: Final = 400


class AccessLog:
    """Lines of JSON on standard error, beside the other logs. ``share`` is of answers below 400."""

    def __init__(self, share: float, stream: BinaryIO | None = None) -> None:
        self._share = share
        self._stream = stream or sys.stderr.buffer
        self._lines: list[tuple[float, Flight, float]] = []

    def note(self, flight: "Flight", seconds: float) -> None:
        """Take a request that has ended."""
        if flight.status < _TROUBLE and not flight.refused:
            share = self._share
            if not share or (share < 1 and random.random() >= share):  # noqa: S311 - a sample, not a secret
                return
        self._lines.append((time.time(), flight, seconds))
        if len(self._lines) >= _BUNDLE:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        self._stream.write(b"".join(_line(*line) for line in lines))
        self._stream.flush()


def _line(at: float, flight: "Flight", seconds: float) -> bytes:
    head, decision = flight.head, flight.decision
    line = {
        "event": "gateway.request",
        "timestamp": datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z"),
        "request_id": flight.request_id.decode("latin-1"),
        "method": head.method.decode("latin-1"),
        "target": head.path.decode("latin-1"),
        "status": flight.status,
        "seconds": round(seconds, 6),
        "route": decision.route,
        "side": flight.side,
        "bytes": flight.sent_bytes,
        "client": flight.client.forwarded.client(head).decode("latin-1"),
    }
    if decision.member is not None:
        line["member"] = decision.member
    if flight.fell_back:
        line["fell_back"] = True
    if flight.refused:
        line["code"] = flight.refused
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
