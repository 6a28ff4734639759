"""When two spellings are the same address."""

import re
from typing import Final
from urllib.parse import urlsplit

__all__ = ["canonical_url"]

_TRACKED: Final = (
    "utm_source utm_medium utm_campaign utm_term utm_content fbclid gclid msclkid mc_cid mc_eid _ga ref"
)
_TRACKING: Final = frozenset(_TRACKED.split())
_SCHEME: Final = re.compile(r"^[a-z][a-z0-9+.-]*://")


def canonical_url(url: str) -> str | None:
    """Return the one spelling of an address, all lower case; ``None`` when it names no host.

    Scheme, one leading ``www.``, slashes at the end of the path, fragment, tracking and parameters without a value
    do not matter; port, user, and the order of parameters do.
    """
    try:
        parts = urlsplit(_SCHEME.sub("https://", url.strip().lower()))
        host = parts.hostname
    except ValueError:
        return None
    if not host:
        return None
    user, at, place = parts.netloc.rpartition("@")
    pairs = (pair for pair in parts.query.split("&") if "=" in pair)
    query = "&".join(pair for pair in pairs if pair.partition("=")[0] not in _TRACKING)
    path = parts.path.rstrip("/")
    return f"https://{user}{at}{place.removeprefix('www.')}{path}{'?' if query else ''}{query}"
