"""Refusing to start without the keys, before any process is started."""

from datetime import timedelta

from caravan.core.settings import Settings

__all__ = ["refuse_missing_keys"]


def refuse_missing_keys(settings: Settings) -> None:
    """Raise ``SigningKeyMissingError`` in production without keys; elsewhere the first process makes them."""
    if settings.environment != "production":
        return
    from caravan.platform.identity import Sealer, SigningKeys  # noqa: PLC0415 - the supervisor needs them here alone

    lifetime = timedelta(seconds=settings.access_token_seconds)
    SigningKeys.open(settings.keys_folder, token_lifetime=lifetime, may_create=False)
    Sealer.open(settings.keys_folder, may_create=False)
