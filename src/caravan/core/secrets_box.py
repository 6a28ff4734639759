"""Small secrets at rest: AES-256-GCM under a key file that only its owner may read."""

import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from caravan.core.errors import CaravanError
from caravan.core.key_files import kept_secret

__all__ = ["Box", "BoxError"]

_VERSION: Final = b"\x01"
_NONCE: Final = 12
_KEY: Final = 32


class BoxError(CaravanError):
    code = "sealed_bytes_unreadable"
    status = 500
    title = "Sealed bytes cannot be opened"
    fix = "Put back the key file that was in use when the bytes were sealed; without it they stay closed."


class Box:
    """Seals and opens bytes; the key is made at first use (0600, its folder 0700).

    A sealed value is one version byte, a 12-byte random nonce, then ciphertext and tag (NIST SP 800-38D).
    """

    def __init__(self, key_path: Path) -> None:
        self.key_path = key_path
        self._cipher = AESGCM(_key(key_path))

    def seal(self, plain: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, _VERSION)

    def open(self, sealed: bytes) -> bytes:
        """Return the bytes that were sealed; raises ``BoxError`` for another key, or bytes that were changed."""
        nonce, rest = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            if sealed[:1] != _VERSION:
                raise BoxError(f"sealed with version {sealed[:1].hex() or 'none'}, this code reads 01")
            return self._cipher.decrypt(nonce, rest, _VERSION)
        except (InvalidTag, ValueError):
            raise BoxError(f"the bytes do not belong to the key in {self.key_path}") from None


def _key(path: Path) -> bytes:
    key = kept_secret(path, lambda: os.urandom(_KEY))
    if len(key) != _KEY:
        raise BoxError(f"{path} holds {len(key)} bytes; a key has {_KEY}")
    return key
