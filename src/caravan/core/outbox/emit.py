"""Writing an event in the transaction of what caused it."""

import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import structlog
from opentelemetry.trace import get_current_span
from sqlalchemy import text

from caravan.core.database import WriteSession
from caravan.core.ids import uuid7
from caravan.core.outbox.errors import PayloadError
from caravan.core.outbox.events import SYSTEM_WIDE
from caravan.core.outbox.wake import WAKE
from caravan.core.principal import Principal

__all__ = ["current_request_id", "current_traceparent", "emit"]

_ORDER = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 1869640802))")
_WRITE = text(
    "WITH written AS (INSERT INTO outbox (org_id, id, name, payload, key, client_id, project_id, principal,"  # noqa: S608 - constants
    " request_id, trace) VALUES (:org, :id, :name, CAST(:payload AS jsonb), :key, :client, :project, :principal,"
    " :request_id, :trace)) " + WAKE
)


async def emit(
    session: WriteSession,
    name: str,
    payload: Mapping[str, Any],
    *,
    principal: Principal,
    key: str | None = None,
) -> UUID:
    """Write an event; it is handled once this transaction has committed, and not at all when it rolls back.

    Events of one ``key`` (within an organisation) are handled in the order of their writing, each after the one
    before is done. Writers of one key wait for each other until the end of their transactions: where one
    transaction writes several keys, it does so in sorted order.

    Raises:
        PayloadError: when the payload is not JSON (decimals, dates and ids are written as texts).
    """
    org = principal.org or SYSTEM_WIDE
    event_id = uuid7()
    body = _body(name, payload)
    if key is not None:
        await session.execute(_ORDER, {"key": f"{org}:{key}"})
    await session.execute(
        _WRITE,
        {
            "org": org,
            "id": event_id,
            "name": name,
            "payload": body,
            "key": key,
            "client": principal.client,
            "project": principal.project,
            "principal": principal.label,
            "request_id": current_request_id(),
            "trace": current_traceparent(),
        },
    )
    return event_id


def current_request_id() -> str | None:
    """Return the id of the request, or of the one that caused the job in hand."""
    if bound := structlog.contextvars.get_contextvars().get("request_id"):
        return str(bound)
    # The HTTP floor-mate is looked up, not imported: a worker has no requests, and would pay for a web framework.
    web = sys.modules.get("caravan.core.http.context")
    request = web.current_request() if web else None
    return request.request_id if request else None


def current_traceparent() -> str | None:
    """Return the trace in hand as a W3C ``traceparent``."""
    context = get_current_span().get_span_context()
    if context.is_valid:
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    bound = structlog.contextvars.get_contextvars().get("traceparent")
    return str(bound) if bound else None


def _body(name: str, payload: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(dict(payload), default=_text).decode()
    except TypeError as error:
        raise PayloadError(f"The payload of {name} cannot be written: {error}") from error


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
