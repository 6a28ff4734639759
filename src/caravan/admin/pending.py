"""A log-in between its steps, sealed in a cookie of five minutes: no password in a page, nothing kept on the server."""

import base64
import binascii
import time
from dataclasses import dataclass
from typing import Final

import orjson

from caravan.admin.accounts import Tokens
from caravan.core.secrets_box import Box, BoxError

__all__ = ["Pending", "PendingSeal"]

_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Pending:
    """Name and password while the one-time code is asked for; with ``tokens`` while a new password is."""

    name: str
    password: str
    destination: str
    tokens: Tokens | None = None


class PendingSeal:
    """Seals with a key that every process of this installation has."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def seal(self, pending: Pending) -> str:
        """Return the text for the cookie."""
        content = orjson.dumps([time.time() + _SECONDS, pending])
        return base64.urlsafe_b64encode(self._box.seal(content)).decode()

    def open(self, sealed: str | None) -> Pending | None:
        """Return what was sealed; None when it is absent, altered or too old."""
        if not sealed:
            return None
        try:
            until, found = orjson.loads(self._box.open(base64.urlsafe_b64decode(sealed.encode())))
        except (BoxError, binascii.Error):
            return None
        if until < time.time():
            return None
        tokens = found.pop("tokens")
        return Pending(**found, tokens=Tokens(**tokens) if tokens else None)
