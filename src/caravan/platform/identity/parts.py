"""What the use cases of identity share: made once per process from the settings, handed to each."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from caravan.core.clock import Clock, utc_now
from caravan.core.database import Database
from caravan.core.settings import Settings
from caravan.platform.identity.access_tokens import AccessTokens
from caravan.platform.identity.passwords import Passwords
from caravan.platform.identity.portal_tokens import PortalTokens
from caravan.platform.identity.sealing import Sealer
from caravan.platform.identity.signing_keys import SigningKeys

__all__ = ["Identity"]

_PARALLEL_LOGINS: Final = 4
_FAILURE_FLOOR: Final = 0.5


@dataclass(frozen=True, slots=True)
class Identity:
    """Keys, clocks and limits, and ``system``: the database in the role that reads memberships before a tenant is known.

    A failed log-in answers after ``failure_floor`` seconds, so that its duration tells nothing of who exists or how
    their password is stored. ``login_slots`` bounds how many guesses of one process are between check and count.
    """

    system: Database
    passwords: Passwords
    keys: SigningKeys
    tokens: AccessTokens
    sealer: Sealer
    portal: PortalTokens | None
    refresh_lifetime: timedelta
    reset_lifetime: timedelta
    public_url: str
    clock: Clock = utc_now
    failure_floor: float = _FAILURE_FLOOR
    login_slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PARALLEL_LOGINS))

    @classmethod
    def open(
        cls,
        settings: Settings,
        system: Database,
        *,
        passwords: Passwords | None = None,
        clock: Clock = utc_now,
        failure_floor: float = _FAILURE_FLOOR,
    ) -> "Identity":
        """Read (outside production: make) the keys. Raises ``SigningKeyMissingError`` in production without them."""
        lifetime = timedelta(seconds=settings.access_token_seconds)
        may_create = settings.environment != "production"
        folder = settings.keys_folder
        keys = SigningKeys.open(folder, token_lifetime=lifetime, may_create=may_create, clock=clock)
        secret = settings.portal_token_secret
        max_age = timedelta(seconds=settings.portal_token_max_age)
        return cls(
            system=system,
            passwords=passwords or Passwords(),
            keys=keys,
            tokens=AccessTokens(keys, issuer=settings.url, lifetime=lifetime, clock=clock),
            sealer=Sealer.open(folder, may_create=may_create),
            portal=PortalTokens(secret.get_secret_value().encode(), max_age=max_age, clock=clock)
            if secret is not None
            else None,
            refresh_lifetime=timedelta(days=settings.refresh_token_days),
            reset_lifetime=timedelta(seconds=settings.password_reset_seconds),
            public_url=settings.url,
            clock=clock,
            failure_floor=failure_floor,
        )
