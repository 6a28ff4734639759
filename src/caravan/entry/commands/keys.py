"""`caravan keys`."""

from datetime import timedelta

import typer

from caravan.core.settings import Settings, load_settings
from caravan.platform.audit import AuditKey
from caravan.platform.identity.sealing import Sealer
from caravan.platform.identity.signing_keys import SigningKeys

__all__ = ["app"]

app = typer.Typer(add_completion=False, help="Keys that sign tokens and seal secrets.", no_args_is_help=True)


@app.command("make")
def make() -> None:
    """Make the keys that are missing. In production nothing else does, and without them nothing starts."""
    settings = load_settings()
    keys = _signing(settings, may_create=True)
    Sealer.open(settings.keys_folder, may_create=True)
    AuditKey.load(settings.keys_folder)
    print(f"keys in {settings.keys_folder.resolve()}; tokens are signed with {keys.active().kid}")


@app.command("rotate")
def rotate() -> None:
    """Sign new tokens with a new key; the old one verifies until its last token has expired."""
    settings = load_settings()
    fresh = _signing(settings, may_create=False).rotate()
    print(f"tokens are now signed with {fresh.kid}")


def _signing(settings: Settings, *, may_create: bool) -> SigningKeys:
    lifetime = timedelta(seconds=settings.access_token_seconds)
    return SigningKeys.open(settings.keys_folder, token_lifetime=lifetime, may_create=may_create)
