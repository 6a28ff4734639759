"""The edge every request passes: id, caller, limits, security headers, metrics, access log. Pure ASGI, one layer."""

import re
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Final

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from caravan.core.database.dry_run import DryRun, begun_dry_run, current_dry_run
from caravan.core.errors import CaravanError
from caravan.core.http.context import RequestContext, request_context
from caravan.core.http.credentials import Credentials
from caravan.core.http.dry_run_answers import DryRunAnswer
from caravan.core.http.dry_runs import DRY_RUN_HEADER, DRY_RUNS_OFF, DryRuns
from caravan.core.http.errors import BodyTooLargeError, HostNotAllowedError, InternalError, render
from caravan.core.http.hosts import TrustedHosts
from caravan.core.http.outages import as_outage
from caravan.core.http.outgoing import Outgoing
from caravan.core.ids import uuid7
from caravan.core.limits import Limit, Limiter, RateLimitedError, Verdict
from caravan.core.principal import Principal
from caravan.core.settings import Settings
from caravan.core.telemetry.logs import AccessLog
from caravan.core.telemetry.metrics import IN_FLIGHT, RATE_LIMITED, observe_request

__all__ = ["Edge", "EdgeParts", "context_processor"]

log = structlog.get_logger(__name__)

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_QUIET: Final = frozenset({"/livez", "/readyz", "/startupz", "/metrics"})
_LOGIN: Final = "/api/v1/auth/"
_LOGIN_FORMS: Final = frozenset(
    {
        "/console/login",
        "/console/login/code",
        "/console/password",
        "/console/forgot",
        "/console/password-reset",
        "/console/invitation",
    }
)


@dataclass(frozen=True, slots=True)
class EdgeParts:
    """What the edge works with; made once per process."""

    settings: Settings
    credentials: Credentials
    limiter: Limiter
    access_log: AccessLog
    dry_runs: DryRuns = DRY_RUNS_OFF


class Edge:
    """Wraps the whole application."""

    def __init__(self, app: Starlette, parts: EdgeParts) -> None:
        self._app = app
        self._parts = parts
        settings = parts.settings
        self._limit = Limit("default", settings.rate_limit_requests, settings.rate_limit_window)
        self._login = Limit("login", settings.rate_limit_login, settings.rate_limit_window)
        self._hosts = TrustedHosts(settings.trusted_hosts)
        self._proxies = tuple(ip_network(proxy) for proxy in settings.trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        context = RequestContext(
            _request_id(headers),
            scope["method"],
            scope["path"],
            self._address(scope, headers),
            time.perf_counter(),
        )
        if context.method == "HEAD":
            scope = {
                **scope,
                "method": "GET",
            }  # a copy: the server must go on knowing that no body is to follow
        token = request_context.set(context)
        IN_FLIGHT.inc()
        try:
            if DRY_RUN_HEADER in headers:
                await self._rehearse(scope, receive, send, context, headers)
            else:
                await self._answer(scope, receive, send, context, headers)
        finally:
            IN_FLIGHT.dec()
            request_context.reset(token)
            self._account(scope, context)

    async def _answer(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        context: RequestContext,
        headers: Mapping[bytes, bytes],
        run: DryRun | None = None,
    ) -> None:
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        caller = state["caller"] = await self._caller(headers, remember=run is None)
        if isinstance(caller, Principal):
            context.principal = caller
        limit, verdict = self._limit, None
        if run is None:
            limit, verdict = await self._count(context)
        else:
            run.caller_is_known()
        outgoing = Outgoing(send, context, limit, verdict, head=context.method == "HEAD")
        if outgoing.head:
            receive = outgoing.receive_for_head(receive)
        refusal = self._refusal(headers, limit, verdict)
        if refusal is not None:
            await self._refuse(scope, receive, outgoing, refusal)
            return
        try:
            await self._app(scope, receive, outgoing.send)
        except Exception:
            if outgoing.complete:
                return  # answered and logged by the application's own handler, or a HEAD that has all it wants
            if outgoing.started:
                raise  # the server cuts the connection, so that a cut answer never looks whole
            log.exception("request.failed")
            await self._refuse(scope, receive, outgoing, InternalError())

    async def _rehearse(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        context: RequestContext,
        headers: Mapping[bytes, bytes],
    ) -> None:
        """Carry a signed request out and undo it. What is not accepted is refused, and counts as anybody's request."""
        context.extra["dry_run"] = True
        answer = DryRunAnswer(send, context.method)
        accepted = await self._accepted(scope, receive, context, headers)
        if isinstance(accepted, CaravanError):
            limit, verdict = await self._count(context)
            refusal: CaravanError | None = self._refusal(headers, limit, verdict) or accepted
        else:
            with begun_dry_run() as answer.run:
                await self._answer(scope, accepted, answer.send, context, headers, answer.run)
            refusal = answer.unfit()
        if refusal is not None:
            answer.forget(refusal)
            outgoing = Outgoing(answer.send, context, self._limit, None, head=context.method == "HEAD")
            await self._refuse(scope, receive, outgoing, refusal)
        await answer.finish()

    async def _accepted(
        self, scope: Scope, receive: Receive, context: RequestContext, headers: Mapping[bytes, bytes]
    ) -> Receive | CaravanError:
        """Return what hands the body of a dry run on, or why nothing of it is to run, an unforeseen failure included."""
        refusal = self._refusal(headers, self._limit, None)
        if refusal is not None:
            return refusal
        try:
            return await self._parts.dry_runs.accepted(scope, receive, context.method)
        except CaravanError as error:
            return error
        except Exception as error:
            outage = as_outage(error)
            if outage is None:
                log.exception("dry_run.failed")
            return outage or InternalError()

    async def _caller(
        self, headers: Mapping[bytes, bytes], *, remember: bool = True
    ) -> Principal | CaravanError:
        try:
            return await self._parts.credentials.caller(headers, remember=remember)
        except Exception as error:
            outage = as_outage(error)
            if outage is None:
                log.exception("credentials.failed")
            return outage or InternalError()

    def _refusal(
        self, headers: Mapping[bytes, bytes], limit: Limit, verdict: Verdict | None
    ) -> CaravanError | None:
        """Return why this request goes no further, if it does not."""
        host = headers.get(b"host", b"").decode("latin-1")
        if not self._hosts.allow(host):
            return HostNotAllowedError(f"This service does not answer to {host!r}.")
        if verdict is not None and not verdict.allowed:
            RATE_LIMITED.labels(limit.name).inc()
            told = f"More than {limit.requests} requests in {limit.seconds} s."
            return RateLimitedError(told, retry_after=verdict.reset)
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._parts.settings.max_body_bytes:
            return BodyTooLargeError(f"At most {self._parts.settings.max_body_bytes:,} bytes are taken.")
        return None

    async def _count(self, context: RequestContext) -> tuple[Limit, Verdict | None]:
        """Count a log-in attempt by address, anything else by its caller, anonymous ones by address."""
        if not self._parts.settings.rate_limits or context.path in _QUIET:
            return self._limit, None
        if context.path.startswith(_LOGIN) or (context.method == "POST" and context.path in _LOGIN_FORMS):
            return self._login, await self._parts.limiter.take(self._login, context.address)
        subject = context.principal.label if context.principal.id else context.address
        return self._limit, await self._parts.limiter.take(self._limit, subject)

    async def _refuse(self, scope: Scope, receive: Receive, outgoing: Outgoing, error: CaravanError) -> None:
        request = Request({**scope, "app": self._app}, receive)
        await render(request, error)(scope, receive, outgoing.send)

    def _address(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """Return the caller's address; X-Forwarded-For is believed from trusted proxies only, from the right."""
        peer: str = scope["client"][0] if scope.get("client") else "unix"
        forwarded = headers.get(b"x-forwarded-for")
        if not forwarded or not self._trusted(peer):
            return peer
        for hop in reversed([part.strip() for part in forwarded.decode("latin-1").split(",")]):
            if not self._trusted(hop):
                return hop[:64]
        return peer

    def _trusted(self, address: str) -> bool:
        try:
            number = ip_address(address)
        except ValueError:
            return False
        return any(number in proxy for proxy in self._proxies)

    def _account(self, scope: Scope, context: RequestContext) -> None:
        seconds = time.perf_counter() - context.started
        route = getattr(scope.get("route"), "path", None) or ("(none)" if context.status else "(cut)")
        observe_request(context.method, scope.get("root_path", "") + route, context.status, seconds)
        if context.path in _QUIET:
            return
        caller = context.principal
        self._parts.access_log.write(
            {
                "event": "request",
                "time": time.time(),
                "request_id": context.request_id,
                "method": context.method,
                "path": context.path,
                "status": context.status,
                "ms": round(seconds * 1000, 2),
                "bytes": context.sent,
                "address": context.address,
                "principal": caller.label,
                "org": caller.org,
                "client": caller.client,
                "project": caller.project,
                **context.extra,
            }
        )


def _request_id(headers: Mapping[bytes, bytes]) -> str:
    given = headers.get(b"x-request-id", b"")
    return given.decode() if _REQUEST_ID.fullmatch(given) else str(uuid7())


def context_processor(
    _logger: object, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add the request in hand to a log line."""
    context = request_context.get()
    if context is not None:
        event.setdefault("request_id", context.request_id)
        if context.principal.org is not None:
            event.setdefault("org", str(context.principal.org))
        event.setdefault("principal", context.principal.label)
        if current_dry_run() is not None:
            event.setdefault("dry_run", True)  # what it says was done is undone
    return event
