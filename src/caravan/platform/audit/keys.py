"""The key that signs checkpoints: Ed25519, made at first use, kept as PEM for its owner alone.

Of a key that was replaced the public half stays: it verifies what was signed, and nobody can sign with it any more.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from caravan.core.key_files import create_secret
from caravan.platform.audit.errors import AuditKeyError

__all__ = ["AuditKey"]

_FILE: Final = "audit.pem"
_FRESH: Final = "audit-next.pem"
_RETIRED: Final = "audit-retired-{}.pem"


@dataclass(frozen=True, slots=True)
class AuditKey:
    """``id`` is the first 16 hex digits of SHA-256 over the raw public key; ``retired`` are its predecessors by theirs."""

    id: str
    private: Ed25519PrivateKey
    retired: Mapping[str, Ed25519PublicKey] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path, *, make: bool = True) -> "AuditKey":
        """Read the key below ``folder``, made when absent and ``make``; processes that race agree on one.

        Raises:
            AuditKeyError: when there is none, or what is there is not such a key.
        """
        path = folder / _FILE
        if make and not path.exists():
            create_secret(path, _new_pem())
        try:
            private = load_pem_private_key(path.read_bytes(), None)
        except (OSError, ValueError) as error:
            raise AuditKeyError(f"{path} cannot be read as a private key: {error}") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise AuditKeyError(f"{path} is not an Ed25519 key.")
        return cls(_identify(private.public_key()), private, _retired(folder))

    @classmethod
    def rotate(cls, folder: Path) -> "AuditKey":
        """Put a new key in the place of the one below ``folder``, of which the public half is kept.

        A crash between the steps leaves the old key in place. Raises ``AuditKeyError`` when there is none.
        """
        old = cls.load(folder, make=False)
        public = old.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        create_secret(folder / _RETIRED.format(old.id), public)
        (folder / _FRESH).unlink(missing_ok=True)
        create_secret(folder / _FRESH, _new_pem())
        (folder / _FRESH).replace(folder / _FILE)
        return cls.load(folder, make=False)

    def sign(self, message: bytes) -> bytes:
        """Return the signature (64 bytes)."""
        return self.private.sign(message)

    def verifies(self, signature: bytes, message: bytes, signer: str) -> bool:
        """Tell whether the key with the id ``signer``, this one or a retired one, signed this message."""
        public = self.private.public_key() if signer == self.id else self.retired.get(signer)
        if public is None:
            return False
        try:
            public.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def _retired(folder: Path) -> dict[str, Ed25519PublicKey]:
    found = {}
    for path in folder.glob(_RETIRED.format("*")):
        try:
            public = load_pem_public_key(path.read_bytes())
        except (OSError, ValueError) as error:
            raise AuditKeyError(f"{path} cannot be read as a public key: {error}") from error
        if not isinstance(public, Ed25519PublicKey):
            raise AuditKeyError(f"{path} is not an Ed25519 key.")
        found[_identify(public)] = public
    return found


def _new_pem() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _identify(public: Ed25519PublicKey) -> str:
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]
