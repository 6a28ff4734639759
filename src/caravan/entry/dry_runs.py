"""Dry runs as this installation takes them: whose signature holds, and what can never be undone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from caravan.core.database import Database
from caravan.core.http.dry_runs import DRY_RUNS_OFF, DryRuns
from caravan.core.protocols import SignedRequest
from caravan.core.settings import Settings
from caravan.migration.exchange import Body
from caravan.migration.shadow import verify

__all__ = ["SignatureVerifier", "dry_runs", "never_dry"]

_TOKENS: Final = "it opens or ends sessions, whose tokens would be void"
_NEVER: Final[Mapping[tuple[str, str], str]] = {
    ("POST", "/api/v1/auth/login"): _TOKENS,
    ("POST", "/api/v1/auth/refresh"): _TOKENS,
    ("POST", "/api/v1/auth/password-reset/confirm"): "it uses a secret up that was sent to a person",
    ("POST", "/api/v1/auth/invites/accept"): "it uses a secret up that was sent to a person",
    ("DELETE", "/deduper/clear-db-table"): "it starts a program",
}
_CONSOLE: Final = "/console"


class SignatureVerifier:
    """The signature as the engine makes it, checked with this installation's one key."""

    def __init__(self, key: str, secret: bytes) -> None:
        self._secrets = {key: secret}

    def verify(self, request: SignedRequest, now: datetime) -> str:
        """Return the nonce; raises ``DryRunRefusedError``."""
        nonces: list[str] = []

        def keep(nonce: str) -> bool:
            nonces.append(nonce)  # whether it is new is asked of the database
            return True

        verify(
            request.headers,
            method=request.method,
            target=request.target,
            body=Body.of(request.body),
            secrets_by_key=self._secrets,
            now=now,
            first_use=keep,
        )
        return nonces[0]


def dry_runs(settings: Settings, database: Database) -> DryRuns:
    """Return what the edge asks; off unless a secret is set."""
    if settings.dry_run_secret is None:
        return DRY_RUNS_OFF
    secret = settings.dry_run_secret.get_secret_value().encode()
    verifier = SignatureVerifier(settings.dry_run_key, secret)
    return DryRuns(verifier, database, never_dry, settings.max_body_bytes)


def never_dry(method: str, path: str) -> str | None:
    """Return why a request cannot be undone, None when it can."""
    if path == _CONSOLE or path.startswith(f"{_CONSOLE}/"):
        return "pages of the console renew log-ins, and keep them in memory"
    return _NEVER.get((method, path))
