"""Ed25519 keys in files: the newest signs, older ones verify until the last token they signed has expired."""

import base64
import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from caravan.core.clock import Clock, utc_now
from caravan.core.key_files import create_secret
from caravan.platform.identity.errors import SigningKeyMissingError

__all__ = ["SigningKey", "SigningKeys", "thumbprint"]

_NAME: Final = re.compile(r"signing-(\d{8}T\d{12}Z)-([A-Za-z0-9_-]{43})\.pem")
_STAMP: Final = "%Y%m%dT%H%M%S%fZ"
_REREAD: Final = 60.0
_REREAD_FOR_STRANGERS: Final = 1.0


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key; ``kid`` is its RFC 7638 thumbprint."""

    kid: str
    created_at: datetime
    private: Ed25519PrivateKey
    path: Path

    @property
    def public(self) -> Ed25519PublicKey:
        """The half that verifies."""
        return self.private.public_key()


class SigningKeys:
    """The keys of a folder. Every process reads it again each minute, and at once for a ``kid`` it does not know."""

    def __init__(self, folder: Path, *, token_lifetime: timedelta, clock: Clock = utc_now) -> None:
        self._folder = folder
        self._clock = clock
        self._grace = token_lifetime + timedelta(seconds=2 * _REREAD)
        self._keys: list[SigningKey] = []
        self._read_at = float("-inf")

    @classmethod
    def open(
        cls, folder: Path, *, token_lifetime: timedelta, may_create: bool, clock: Clock = utc_now
    ) -> "SigningKeys":
        """Read the keys; the first one is made here where that is allowed, else ``SigningKeyMissingError``."""
        keys = cls(folder, token_lifetime=token_lifetime, clock=clock)
        keys._read()
        if not keys._keys:
            if not may_create:
                raise SigningKeyMissingError(f"There is no signing key in {folder}.")
            keys.rotate()
        return keys

    def active(self) -> SigningKey:
        """Return the key that signs now."""
        if time.monotonic() - self._read_at > _REREAD:
            self._read()
        if not self._keys:
            raise SigningKeyMissingError(f"There is no signing key in {self._folder} any more.")
        return self._keys[-1]

    def find(self, kid: str) -> Ed25519PublicKey | None:
        """Return the key to verify with; None when it is unknown or was retired too long ago."""
        key = self._find(kid)
        if key is None and time.monotonic() - self._read_at > _REREAD_FOR_STRANGERS:
            self._read()
            key = self._find(kid)
        return key.public if key is not None else None

    def rotate(self) -> SigningKey:
        """Make a new key that signs from now on; files whose last token has expired are removed."""
        private = Ed25519PrivateKey.generate()
        self._read()
        created, kid = self._clock().astimezone(UTC), thumbprint(private.public_key())
        if self._keys:  # newer than the last, whatever the clock says
            created = max(created, self._keys[-1].created_at + timedelta(microseconds=1))
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        create_secret(self._folder / f"signing-{created.strftime(_STAMP)}-{kid}.pem", pem)
        self._read()
        verifying = {key.kid for key in self._verifying()}
        for key in self._keys:
            if key.kid not in verifying:
                key.path.unlink(missing_ok=True)
        self._read()
        return self._keys[-1]

    def jwks(self) -> dict[str, Any]:
        """Return the public keys as a JWK set (RFC 7517, RFC 8037), newest first."""
        self.active()
        return {
            "keys": [
                {**_jwk(key.public), "kid": key.kid, "use": "sig", "alg": "EdDSA"}
                for key in reversed(self._verifying())
            ]
        }

    def _find(self, kid: str) -> SigningKey | None:
        return next((key for key in self._verifying() if key.kid == kid), None)

    def _verifying(self) -> list[SigningKey]:
        """Return what still verifies: a key retires when the next is made, the grace is for processes that have not read it."""
        now = self._clock()
        successors = [*(key.created_at for key in self._keys[1:]), None]
        return [
            key
            for key, retired in zip(self._keys, successors, strict=True)
            if retired is None or retired + self._grace > now
        ]

    def _read(self) -> None:
        paths = sorted(self._folder.glob("signing-*.pem")) if self._folder.exists() else []
        found = [(path, _NAME.fullmatch(path.name)) for path in paths]
        self._keys = [_load(path, match[1], match[2]) for path, match in found if match is not None]
        self._read_at = time.monotonic()


def _load(path: Path, stamp: str, kid: str) -> SigningKey:
    private = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise SigningKeyMissingError(f"{path} holds a key of another kind than Ed25519.")
    return SigningKey(kid, datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC), private, path)


def thumbprint(key: Ed25519PublicKey) -> str:
    """Return the RFC 7638 thumbprint: SHA-256 of the required members in lexicographic order, base64url."""
    canonical = json.dumps(_jwk(key), sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _jwk(key: Ed25519PublicKey) -> Mapping[str, str]:
    return {
        "crv": "Ed25519",
        "kty": "OKP",
        "x": _base64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw)),
    }


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
