"""Signed webhooks after the Standard Webhooks specification (standardwebhooks.com), symmetric signatures, version ``v1``.

``webhook-signature`` is ``v1,`` and the Base64 of HMAC-SHA256 over ``id.timestamp.body``; the secret is ``whsec_`` and Base64.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime
from typing import Final

__all__ = ["signed_headers"]

_PREFIX: Final = "whsec_"


def signed_headers(secret: str, identity: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers of a message; ``identity`` stays the same when it is sent again.

    Raises:
        ValueError: the secret is not Base64.
    """
    timestamp = str(int(at.timestamp()))
    content = b".".join((identity.encode(), timestamp.encode(), body))
    digest = hmac.new(_key(secret), content, hashlib.sha256).digest()
    return {
        "webhook-id": identity,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a webhook's secret is whsec_ and Base64") from None
