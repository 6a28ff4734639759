"""Routes from a HAR file: templates by the contract's learner, effects as it proposes them, keys from the requests."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from caravan.migration.contract import learn
from caravan.migration.exchange import Exchange, first_header
from caravan.migration.proposal.routes import NothingToProposeError, ProposedRoute
from caravan.migration.recording import har_exchanges
from caravan.migration.recording.imports import Refused

__all__ = ["host_of", "routes_of_har"]

_SESSION: Final = ("session", "sid", "token", "auth")


def host_of(base_url: str) -> str:
    """Return host and port as HAR files write them."""
    return urlsplit(base_url).netloc.rpartition("@")[2]


def routes_of_har(files: Iterable[Path], *, host: str | None) -> list[ProposedRoute]:
    """Return the routes that the archives show; with ``host`` only those of this host.

    Raises:
        NothingToProposeError: no exchange could be read; the message says why.
        ImportUnreadable: a file cannot be opened.
    """
    exchanges: list[Exchange] = []
    refused: Counter[str] = Counter()
    for file in files:
        for item in har_exchanges(file, host=host):
            if isinstance(item, Refused):
                refused[item.reason] += 1
            else:
                exchanges.append(item)
    if not exchanges:
        told = (
            "; ".join(f"{count} times: {reason}" for reason, count in refused.most_common(3)) or "it is empty"
        )
        raise NothingToProposeError(f"No exchange with {host or 'any host'} is in the archive ({told}).")
    contract = learn(exchanges, name="proposal").contract
    key = _key(exchanges)
    grouped: dict[tuple[str, str], list[str]] = {}
    for route in contract.routes.values():
        grouped.setdefault((route.template, route.effect), []).append(route.method)
    return [
        ProposedRoute(
            template,
            tuple(sorted(methods)),
            "write" if effect == "write" else "read",
            "seen in traffic",
            key,
        )
        for (template, effect), methods in sorted(grouped.items())
    ]


def _key(exchanges: Iterable[Exchange]) -> str:
    """Propose what tells clients apart: a bearer token, else a cookie that looks like a session, else the address."""
    cookies: Counter[str] = Counter()
    for exchange in exchanges:
        if first_header(exchange.request.headers, "authorization"):
            return "header:Authorization"
        for pair in (first_header(exchange.request.headers, "cookie") or "").split(";"):
            name = pair.partition("=")[0].strip()
            if any(word in name.lower() for word in _SESSION):
                cookies[name] += 1
    return f"cookie:{cookies.most_common(1)[0][0]}" if cookies else "address"
