"""Sealing: small secrets that must be read again (TOTP) are kept encrypted under a key outside the database."""

import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from caravan.core.key_files import kept_secret
from caravan.platform.identity.errors import SigningKeyMissingError

__all__ = ["BrokenSealError", "Sealer"]

_FILE: Final = "identity.key"
_KEY: Final = 32
_NONCE: Final = 12
_VERSION: Final = b"\x01"


class BrokenSealError(ValueError):
    """The bytes were not sealed with this key for this purpose."""


class Sealer:
    """AES-256-GCM; ``purpose`` binds a sealed value to its place, so that it cannot be moved to another row."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def open(cls, folder: Path, *, may_create: bool) -> "Sealer":
        """Read the key file of ``folder``, made at first run where that is allowed."""
        path = folder / _FILE
        if not may_create and not path.exists():
            raise SigningKeyMissingError(f"There is no {path}.")
        return cls(kept_secret(path, lambda: os.urandom(_KEY)))

    def seal(self, plain: bytes, *, purpose: str) -> bytes:
        """Return version byte, nonce and ciphertext with its tag."""
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, purpose.encode())

    def unseal(self, sealed: bytes, *, purpose: str) -> bytes:
        """Return what was sealed; raises ``BrokenSealError``."""
        version, nonce, cipher = sealed[:1], sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        if version != _VERSION or len(nonce) != _NONCE:
            raise BrokenSealError("Not a sealed value.")
        try:
            return self._cipher.decrypt(nonce, cipher, purpose.encode())
        except InvalidTag:
            raise BrokenSealError("Sealed with another key or for another purpose.") from None
