"""Asks one server, byte for byte what the sample asked: no redirect is followed, no path is tidied."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import httpx2

from caravan.migration.contract.errors import SideUnreachable
from caravan.migration.exchange import Answer, Body, Headers

__all__ = ["Ask", "Asked", "http_asker"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What to ask; ``target`` as it goes onto the wire."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""


Ask: TypeAlias = Callable[[Asked], Answer]
"""Gives the answer; one that never came has status 0 and a ``failure``."""


@contextmanager
def http_asker(
    base_url: str, *, headers: Mapping[str, str] | None = None, timeout: float = 10.0
) -> Iterator[Ask]:
    """Give what asks the server at ``base_url`` (a path in it is put before each target); ``timeout`` in seconds.

    Raises:
        SideUnreachable: at the first question, when nobody listens there, or ``base_url`` is no address.
    """
    try:
        base = httpx2.URL(base_url)
    except httpx2.InvalidURL as error:
        raise SideUnreachable(f"{base_url}: {error}") from None
    if base.scheme not in {"http", "https"} or not base.host:
        raise SideUnreachable(f"{base_url}: this is no http address")
    with httpx2.Client(timeout=timeout, follow_redirects=False, trust_env=False) as client:
        yield lambda asked: _answer(client, base, asked, headers or {})


def _answer(client: httpx2.Client, base: httpx2.URL, asked: Asked, more: Mapping[str, str]) -> Answer:
    raw = base.raw_path.rstrip(b"/") + _on_the_wire(asked.target)
    given = {name.lower() for name in more}
    headers = [*((name, value) for name, value in asked.headers if name.lower() not in given), *more.items()]
    began = time.perf_counter()
    try:
        answer = client.request(
            asked.method, base, headers=headers, content=asked.body or None, extensions={"target": raw}
        )
    except httpx2.ConnectError as error:
        raise SideUnreachable(f"{base}: {error}") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Answer(0, seconds=time.perf_counter() - began, failure=f"{type(error).__name__}: {error}")
    pairs = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
    return Answer(answer.status_code, pairs, Body.of(answer.content), time.perf_counter() - began)


def _on_the_wire(target: str) -> bytes:
    """Return the target's bytes; only what may not stand in a request line is percent-encoded."""
    try:
        data = target.encode("latin-1")  # as the wire's bytes were recorded, one character each
    except UnicodeEncodeError:
        data = target.encode("utf-8", "surrogatepass")
    return b"".join(bytes([byte]) if 0x21 <= byte <= 0x7E else b"%%%02X" % byte for byte in data)  # noqa: PLR2004 - visible ASCII
