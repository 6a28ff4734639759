"""A few recorded requests per route and status, the same ones whatever the order of the recording."""

import base64
import hashlib
from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from caravan.migration.exchange import Exchange, Headers
from caravan.migration.recording.redaction import is_placeholder

__all__ = ["Sample", "Samples"]

_KEPT: Final = frozenset({"accept", "accept-language", "content-type", "x-requested-with", "prefer"})
_MOST: Final = 5


@dataclass(frozen=True, slots=True, order=True)
class Sample:
    """A request that was answered with this status. ``redacted``: it holds marks, so it cannot be asked as it was."""

    redacted: bool
    digest: str
    method: str = field(compare=False)
    target: str = field(compare=False)
    headers: Headers = field(compare=False)
    body: bytes | None = field(compare=False)
    authorized: bool = field(compare=False)
    exchange: str = field(compare=False)
    at: datetime = field(compare=False)

    @classmethod
    def of(cls, exchange: Exchange) -> "Sample":
        request = exchange.request
        headers = tuple((name.lower(), value) for name, value in request.headers if name.lower() in _KEPT)
        content = request.body.content
        told = f"{request.method} {request.target} {headers}".encode("utf-8", "surrogatepass") + (
            content or b""
        )
        redacted = (
            is_placeholder(request.target) or content is None or is_placeholder(content.decode("latin-1"))
        )
        names = {name.lower() for name, _ in request.headers}
        return cls(
            redacted=redacted,
            digest=hashlib.sha256(told).hexdigest()[:16],
            method=request.method,
            target=request.target,
            headers=headers,
            body=content,
            authorized=bool(names & {"authorization", "cookie"}),
            exchange=str(exchange.id),
            at=exchange.at,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "headers": [list(pair) for pair in self.headers],
            "body": None if self.body is None else base64.b64encode(self.body).decode(),
            "redacted": self.redacted,
            "authorized": self.authorized,
            "exchange": self.exchange,
            "at": self.at.isoformat(),
            "digest": self.digest,
        }

    @classmethod
    def from_json(cls, method: str, told: dict[str, Any]) -> "Sample":
        return cls(
            redacted=told["redacted"],
            digest=told["digest"],
            method=method,
            target=told["target"],
            headers=tuple((name, value) for name, value in told["headers"]),
            body=None if told["body"] is None else base64.b64decode(told["body"]),
            authorized=told["authorized"],
            exchange=told["exchange"],
            at=datetime.fromisoformat(told["at"]),
        )


class Samples:
    """Keeps those with the least hashes, which any order of adding leaves the same; whole ones before redacted ones."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._kept: list[Sample] = []

    def add(self, exchange: Exchange) -> None:
        sample = Sample.of(exchange)
        same = next((kept for kept in self._kept if kept == sample), None)
        if same is not None:
            if (sample.at, sample.exchange) < (same.at, same.exchange):
                self._kept[self._kept.index(same)] = sample
            return
        insort(self._kept, sample)
        del self._kept[self._most :]

    def __iter__(self) -> Iterator[Sample]:
        return iter(self._kept)
