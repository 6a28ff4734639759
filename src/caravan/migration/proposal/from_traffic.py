"""Routes from exchanges: templates by the contract's learner, effects as it proposes them, the key from the requests."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from caravan.migration.contract import learn
from caravan.migration.exchange import Exchange, first_header
from caravan.migration.proposal.routes import ProposedRoute

__all__ = ["routes_of_exchanges"]

_SESSION: Final = ("session", "sid", "token", "auth")


def routes_of_exchanges(exchanges: Iterable[Exchange]) -> list[ProposedRoute]:
    """Return the routes that traffic shows; it is gone through three times, as ``Recording.read()`` can be.

    Raises:
        NothingToLearn: there is not one exchange.
    """
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
