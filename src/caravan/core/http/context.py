"""What is known of the request in hand, for logs, outbox rows and jobs."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from caravan.core.principal import ANONYMOUS, Principal

__all__ = ["RequestContext", "current_request", "request_context"]


@dataclass(slots=True)
class RequestContext:
    """One request: its id, the caller, and what the access log says at its end."""

    request_id: str
    method: str
    path: str
    address: str
    started: float
    principal: Principal = ANONYMOUS
    status: int = 0
    sent: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


request_context: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)


def current_request() -> RequestContext | None:
    """Return the request in hand, or None outside of one."""
    return request_context.get()
