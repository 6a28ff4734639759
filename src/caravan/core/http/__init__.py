"""HTTP: the edge that every request passes, routers, sessions per request, envelopes and errors."""

from caravan.core.http.dependencies import (
    Guard,
    Read,
    SystemRead,
    SystemWrite,
    Write,
    caller_of,
    guard,
    public,
)
from caravan.core.http.envelope import Answer, Envelope, Page, Pagination, envelope, page
from caravan.core.http.router import RouteRule, answers_with_secret, api_router, creates, route_rules
from caravan.core.http.state import AppState, state_of

__all__ = [
    "Answer",
    "AppState",
    "Envelope",
    "Guard",
    "Page",
    "Pagination",
    "Read",
    "RouteRule",
    "SystemRead",
    "SystemWrite",
    "Write",
    "answers_with_secret",
    "api_router",
    "caller_of",
    "creates",
    "envelope",
    "guard",
    "page",
    "public",
    "route_rules",
    "state_of",
]
