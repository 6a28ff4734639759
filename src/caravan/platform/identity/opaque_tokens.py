"""Tokens that mean nothing by themselves: 32 random bytes for the bearer, a digest for us."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final

__all__ = ["ApiKeyText", "digest", "new_api_key", "new_token", "parse_api_key"]

_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_API_KEY: Final = re.compile(r"crv_([a-km-np-z2-9]{10})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class ApiKeyText:
    """``crv_<prefix>_<secret>``; the prefix finds the row and may be shown, the secret proves."""

    prefix: str
    secret: str

    def __str__(self) -> str:
        return f"crv_{self.prefix}_{self.secret}"


def new_token() -> str:
    """Return 32 random bytes as base64url."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """Return what is stored. One SHA-256 is enough: the tokens have 256 bits of chance."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def new_api_key() -> ApiKeyText:
    """Make a key."""
    return ApiKeyText("".join(secrets.choice(_ALPHABET) for _ in range(10)), new_token())


def parse_api_key(text: str) -> ApiKeyText | None:
    """Return the parts of a key, None for any other text."""
    match = _API_KEY.fullmatch(text)
    return ApiKeyText(match[1], match[2]) if match else None
