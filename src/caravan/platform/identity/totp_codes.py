"""Time-based one-time codes (RFC 6238: SHA-1, 6 digits, 30 s) and the recovery codes beside them. No I/O."""

import hmac
import secrets
from datetime import datetime
from typing import Final

import pyotp

from caravan.platform.identity.opaque_tokens import digest

__all__ = [
    "PERIOD",
    "matching_step",
    "new_recovery_codes",
    "new_secret",
    "provisioning_uri",
    "recovery_digest",
]

PERIOD: Final = 30
_DRIFT: Final = 1
_RECOVERY_CODES: Final = 10
_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def new_secret() -> str:
    """Return 20 random bytes in base32, as authenticator apps take them."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, *, account: str, issuer: str = "Caravan") -> str:
    """Return the ``otpauth://`` address that a QR code carries."""
    return pyotp.TOTP(secret, interval=PERIOD).provisioning_uri(account, issuer_name=issuer)


def matching_step(secret: str, code: str, *, now: datetime, after: int) -> int | None:
    """Return the time step that ``code`` belongs to, one step of drift either way; None when it is none of them.

    Steps up to ``after``, the last one that was used, are refused: a code works once.
    """
    totp = pyotp.TOTP(secret, interval=PERIOD)
    given = "".join(code.split()).encode("utf-8", "surrogatepass")
    current = int(now.timestamp()) // PERIOD
    matches = [
        step
        for step in range(current - _DRIFT, current + _DRIFT + 1)
        if hmac.compare_digest(totp.generate_otp(step).encode(), given) and step > after
    ]
    return matches[0] if matches else None


def new_recovery_codes() -> list[str]:
    """Return codes of 80 random bits, grouped for reading."""
    return [
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
        for _ in range(_RECOVERY_CODES)
    ]


def recovery_digest(code: str) -> bytes:
    """Return what is stored of a recovery code, however its user types it."""
    return digest("".join(character for character in code.upper() if character.isalnum()))
