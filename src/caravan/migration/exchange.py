"""One exchange: a request and the answer a side gave to it, as recorded, compared and learnt from."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

__all__ = ["Answer", "Body", "Exchange", "Headers", "Request", "first_header"]

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values in the order and case of the wire, each byte one character (ISO 8859-1)."""


@dataclass(frozen=True, slots=True)
class Body:
    """What was sent. ``content`` is None when it was too long to keep: then length (bytes) and hash remain."""

    content: bytes | None
    length: int
    sha256: bytes

    @classmethod
    def of(cls, content: bytes) -> "Body":
        return cls(content, len(content), hashlib.sha256(content).digest())


NO_BODY = Body.of(b"")


@dataclass(frozen=True, slots=True)
class Request:
    """``target`` is the request target as sent, percent-encoding and query included."""

    method: str
    target: str
    headers: Headers = ()
    body: Body = NO_BODY

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the first question mark, or nothing."""
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Answer:
    """``seconds`` runs from the request's last byte to the answer's last; ``failure`` says why there is none (status 0)."""

    status: int
    headers: Headers = ()
    body: Body = NO_BODY
    seconds: float = 0.0
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """``client`` is who asked, as far as it may be kept: a declared key's hash, else the address."""

    id: UUID
    at: datetime
    request: Request
    answer: Answer
    client: str = ""
    tags: tuple[str, ...] = field(default=())


def first_header(headers: Headers, name: str) -> str | None:
    """Return the first value of a header, whatever its case."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)
