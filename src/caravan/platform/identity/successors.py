"""A refresh token's successor, kept so that only a bearer of the token itself can read it; of both the table has digests."""

import hashlib
import hmac
from typing import Final

from caravan.platform.identity.sealing import Sealer

__all__ = ["read_successor", "seal_successor"]

_PURPOSE: Final = "refresh successor"


def seal_successor(token: str, successor: str) -> bytes:
    """Return what is stored beside the digest of ``token``."""
    return _sealer(token).seal(successor.encode(), purpose=_PURPOSE)


def read_successor(token: str, sealed: bytes) -> str:
    """Return the successor; raises ``BrokenSealError`` for another token's."""
    return _sealer(token).unseal(sealed, purpose=_PURPOSE).decode()


def _sealer(token: str) -> Sealer:
    """Seal under a key that follows from the token, and from the digest in the table does not."""
    return Sealer(
        hmac.new(token.encode("utf-8", "surrogatepass"), _PURPOSE.encode(), hashlib.sha256).digest()
    )
