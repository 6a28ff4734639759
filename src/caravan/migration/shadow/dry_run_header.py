"""The header that asks a backend to do a write and take it back: signed, bound to one request, good for a minute and once.

``Caravan-Dry-Run: v1; key=NAME; at=UNIX-SECONDS; nonce=HEX; sign=HEX`` where ``sign`` is HMAC-SHA-256 over the lines version,
key, at, nonce, method, target and SHA-256 of the body in hexadecimal, each ended by a line feed, in ISO 8859-1.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from caravan.migration.exchange import Body, Headers, Request, first_header
from caravan.migration.shadow.errors import DryRunRefusedError

__all__ = ["DRY_RUN_HEADER", "VALID_SECONDS", "signed_header", "verify"]

DRY_RUN_HEADER: Final = "Caravan-Dry-Run"
VALID_SECONDS: Final = 60
"""How far the signer's clock may be from the verifier's, either way."""

_FORM: Final = re.compile(
    r"v1; key=(?P<key>[\w.-]{1,64}); at=(?P<at>\d{1,12}); nonce=(?P<nonce>[0-9a-f]{32}); sign=(?P<sign>[0-9a-f]{64})"
)


def signed_header(
    request: Request, *, key: str, secret: bytes, now: datetime, nonce: str | None = None
) -> tuple[str, str]:
    """Return name and value of the header for this request; ``nonce`` is 32 hexadecimal digits, random when not given."""
    at = str(int(now.timestamp()))
    nonce = nonce or secrets.token_hex(16)
    signed = _signature(secret, key, at, nonce, request.method, request.target, request.body)
    return DRY_RUN_HEADER, f"v1; key={key}; at={at}; nonce={nonce}; sign={signed}"


def verify(
    headers: Headers,
    *,
    method: str,
    target: str,
    body: Body,
    secrets_by_key: Mapping[str, bytes],
    now: datetime,
    first_use: Callable[[str], bool],
) -> bool:
    """Return False without the header, True with one that holds. Raises ``DryRunRefusedError`` for one that does not.

    ``first_use`` remembers a nonce for twice ``VALID_SECONDS`` and says whether it is new; it is asked last, so that nobody
    without the key can use nonces up. A request with a header that does not hold must never be carried out.
    """
    value = first_header(headers, DRY_RUN_HEADER)
    if value is None:
        return False
    if sum(name.lower() == DRY_RUN_HEADER.lower() for name, _ in headers) > 1:
        raise DryRunRefusedError(f"{DRY_RUN_HEADER} came more than once")
    match = _FORM.fullmatch(value)
    if match is None:
        raise DryRunRefusedError(f"{DRY_RUN_HEADER} has a form that is not known here")
    secret = secrets_by_key.get(match["key"])
    if secret is None:
        raise DryRunRefusedError(f"{DRY_RUN_HEADER}: the key {match['key']} is not known here")
    expected = _signature(secret, match["key"], match["at"], match["nonce"], method, target, body)
    if not hmac.compare_digest(expected, match["sign"]):
        raise DryRunRefusedError(f"{DRY_RUN_HEADER}: the signature is not of this request")
    if abs(now.timestamp() - int(match["at"])) > VALID_SECONDS:
        raise DryRunRefusedError(f"{DRY_RUN_HEADER}: signed more than {VALID_SECONDS} seconds away from now")
    if not first_use(match["nonce"]):
        raise DryRunRefusedError(f"{DRY_RUN_HEADER}: was used before")
    return True


def _signature(secret: bytes, key: str, at: str, nonce: str, method: str, target: str, body: Body) -> str:
    lines = ("v1", key, at, nonce, method.upper(), target, body.sha256.hex())
    text = "".join(f"{line}\n" for line in lines)
    return hmac.new(secret, text.encode("latin-1"), hashlib.sha256).hexdigest()
