"""Asking our own service how it is, past any proxy the environment names."""

import http.client
import json
from typing import Any, Final

from caravan.core.settings import Settings

__all__ = ["ask_readiness"]

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - what is listened on, not what we listen on


def ask_readiness(settings: Settings, patience: float = 2.0) -> tuple[bool, dict[str, Any]] | None:
    """Return whether the service wants requests, and its checks by name; None when nothing of ours answers."""
    host = settings.host.strip("[]")
    connection = http.client.HTTPConnection(_EVERYWHERE.get(host, host), settings.port, timeout=patience)
    try:
        connection.request("GET", "/readyz", headers={"Host": _known_host(settings)})
        answer = connection.getresponse()
        checks = json.loads(answer.read())["checks"]
        return answer.status == http.HTTPStatus.OK, dict(checks)
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    finally:
        connection.close()


def _known_host(settings: Settings) -> str:
    """Return a name the service listens to, whichever address it has."""
    names = [name for name in settings.trusted_hosts if "*" not in name]
    return names[0] if names else "localhost"
