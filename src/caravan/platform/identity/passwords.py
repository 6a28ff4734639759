"""Passwords: argon2id for what is stored here, older hashes accepted once, equal work when nobody is there."""

import secrets
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import anyio
import anyio.to_thread
from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from caravan.platform.identity.errors import PasswordTooWeakError
from caravan.platform.identity.legacy_hashes import LegacyBcrypt, LegacyScrypt

__all__ = ["MAX_PASSWORD", "MIN_PASSWORD", "Passwords", "Verdict", "check_strength"]

MIN_PASSWORD: Final = 10
MAX_PASSWORD: Final = 256


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the password was right; ``replacement`` is the hash to store instead of an outdated one."""

    right: bool
    replacement: str | None = None


class Passwords:
    """Hashes and verifies in threads, ``parallel`` at a time: argon2 takes 64 MiB each by default."""

    def __init__(self, argon2: Argon2Hasher | None = None, *, parallel: int = 2) -> None:
        self._argon2 = argon2 or Argon2Hasher()
        self._hash = PasswordHash((self._argon2, LegacyBcrypt(), LegacyScrypt()))
        self._parallel = parallel

    async def hash(self, password: str) -> str:
        """Return the argon2id hash to store."""
        return await anyio.to_thread.run_sync(self._hash.hash, password, limiter=self._limiter)

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Tell whether ``password`` belongs to ``stored``.

        ``None`` (no such user, or one without a password) and an unreadable hash cost the same argon2 work, and so does
        a wrong password against an older hash, whose own work comes on top.
        """
        return await anyio.to_thread.run_sync(self._verify, password, stored, limiter=self._limiter)

    def _verify(self, password: str, stored: str | None) -> Verdict:
        if stored is not None:
            try:
                right, replacement = self._hash.verify_and_update(password, stored)
            except UnknownHashError:
                right, replacement = False, None
            if right:
                return Verdict(right=True, replacement=replacement)
            if self._argon2.identify(stored):
                return Verdict(right=False)
        self._argon2.verify(password, self._nobody)
        return Verdict(right=False)

    @cached_property
    def _nobody(self) -> str:
        return self._argon2.hash(secrets.token_urlsafe(24))

    @cached_property
    def _limiter(self) -> anyio.CapacityLimiter:
        return anyio.CapacityLimiter(self._parallel)


def check_strength(password: str, *names: str | None) -> None:
    """Raise ``PasswordTooWeakError`` unless the password may be chosen; ``names`` are what it may not equal."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise PasswordTooWeakError(f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")
    if password.casefold() in {name.casefold() for name in names if name}:
        raise PasswordTooWeakError("The password may not be your e-mail address or user name.")
