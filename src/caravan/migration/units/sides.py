"""Whether both sides answer: the one thing every edge that moves traffic looks at again just before."""

import httpx2

from caravan.migration.config import MigrationConfig, Side

__all__ = ["look_at_sides"]

_PATIENCE = 5.0
_SERVER_ERROR = 500


def look_at_sides(config: MigrationConfig) -> dict[str, bool]:
    """Ask both sides' health paths once; returns the figures of ``sides``: whether each answers, without an error of its own."""
    return {"old": _well(config.legacy), "new": _well(config.new)}


def _well(side: Side | None) -> bool:
    if side is None:
        return False
    try:
        answer = httpx2.get(side.base_url + side.health, timeout=_PATIENCE, follow_redirects=False)
    except httpx2.HTTPError:
        return False
    return answer.status_code < _SERVER_ERROR
