"""Routes from HAR files."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from caravan.migration.exchange import Exchange
from caravan.migration.proposal.from_traffic import routes_of_exchanges
from caravan.migration.proposal.routes import NothingToProposeError, ProposedRoute
from caravan.migration.recording import har_exchanges
from caravan.migration.recording.imports import Refused

__all__ = ["host_of", "routes_of_har"]


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
    return routes_of_exchanges(exchanges)
