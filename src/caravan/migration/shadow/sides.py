"""A side that can be asked: a base URL behind an HTTP client. The target and the headers go out as they were recorded."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import httpx2

from caravan.migration.exchange import Answer, Body, Headers, Request

__all__ = ["MOST_KEPT", "Ask", "asked_at", "asking_client"]

Ask: TypeAlias = Callable[[Request], Awaitable[Answer]]
"""Sends a request to a side; an answer that never came has status 0 and a ``failure``. It does not raise."""

MOST_KEPT: Final = 1024 * 1024
"""Bytes of a body that are kept; of a longer one length and hash remain."""

_NOT_SENT: Final = frozenset(
    (
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


def asking_client(*, connections: int = 20, timeout: float = 30.0) -> httpx2.AsyncClient:
    """A client that adds nothing of its own: no redirects, no cookies kept, no proxies of the environment. ``timeout`` in seconds."""
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    nothing = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    client = httpx2.AsyncClient(
        limits=limits, timeout=timeout, follow_redirects=False, trust_env=False, cookies=nothing
    )
    client.headers.clear()
    return client


def asked_at(base_url: str, client: httpx2.AsyncClient, *, extra: Headers = (), longest: float = 60.0) -> Ask:
    """Return what sends requests to ``base_url``, whose path goes before each target; ``extra`` headers are added to each.

    An answer that has not ended after ``longest`` seconds, such as an endless stream, is none.
    """
    base = base_url.rstrip("/")
    host = urlsplit(base).netloc
    path = urlsplit(base).path

    async def ask(request: Request) -> Answer:
        started = time.perf_counter()
        try:
            sent = replace(
                request, target=path + request.target, headers=_sent(request.headers, host) + extra
            )
            async with asyncio.timeout(longest):
                return await _answer(client, base, sent, started)
        except (httpx2.HTTPError, TimeoutError) as error:
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            return Answer(0, seconds=time.perf_counter() - started, failure=reason)

    return ask


def _sent(headers: Headers, host: str) -> Headers:
    """End-to-end headers in their order; the recorded Host stays, for a side may answer by it."""
    named = tuple((name, value) for name, value in headers if name.lower() not in _NOT_SENT)
    return named if any(name.lower() == "host" for name, _ in named) else (("Host", host), *named)


async def _answer(client: httpx2.AsyncClient, base: str, request: Request, started: float) -> Answer:
    sent = client.build_request(
        request.method,
        base,
        headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers],
        content=request.body.content or None,
        # The target word for word: a URL would be normalised on its way.
        extensions={"target": request.target.encode("latin-1")},
    )
    answer = await client.send(sent, stream=True)
    try:
        body = await _body(answer.aiter_raw())
    finally:
        await answer.aclose()
    received = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
    return Answer(answer.status_code, received, body, time.perf_counter() - started)


async def _body(parts: AsyncIterator[bytes]) -> Body:
    content, length, digest = bytearray(), 0, hashlib.sha256()
    async for part in parts:
        length += len(part)
        digest.update(part)
        if length <= MOST_KEPT:
            content += part
    return Body(bytes(content) if length <= MOST_KEPT else None, length, digest.digest())
