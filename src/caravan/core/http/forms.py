"""Forms of pages: each carries a token that only the page given to this very session can have held.

The token is an HMAC over the session's id, or over a random cookie before there is a session, so a page elsewhere can
neither read nor compute it (OWASP's signed double submit).
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Any, Final, cast

from fastapi import Depends, Request
from starlette.responses import Response

from caravan.core.http.errors import FormTooOldError
from caravan.core.http.state import state_of
from caravan.core.key_files import kept_secret
from caravan.core.principal import Principal

__all__ = ["FORM_FIELD", "FORM_TOKENS", "VISIT_COOKIE", "FormTokens", "own_form"]

FORM_FIELD: Final = "form_token"
FORM_TOKENS: Final = "form_tokens"
"""The name of the ``FormTokens`` among the application's services."""
VISIT_COOKIE: Final = "caravan_visit"
_KEY_FILE: Final = "forms.key"
_KEY_BYTES: Final = 32


class FormTokens:
    """Makes and checks the tokens of forms."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def kept_in(cls, folder: Path) -> "FormTokens":
        """Read the key from ``folder``, made at first run, 0600."""
        return cls(kept_secret(folder / _KEY_FILE, lambda: os.urandom(_KEY_BYTES)))

    def token(self, binding: str) -> str:
        """Return the token of a session's forms."""
        return hmac.digest(self._key, b"form:" + binding.encode(), hashlib.sha256).hex()

    def holds(self, token: str, binding: str) -> bool:
        """Tell whether ``token`` was made for this session; in constant time."""
        return hmac.compare_digest(token.encode(), self.token(binding).encode())

    def issue(self, request: Request, response: Response, *, secure: bool) -> str:
        """Return the token for a form in ``response``; a visitor without session gets a cookie to bind it to."""
        binding = _binding(request)
        if binding is None:
            visit = secrets.token_urlsafe(24)
            response.set_cookie(
                VISIT_COOKIE, visit, path="/console", secure=secure, httponly=True, samesite="lax"
            )
            binding = f"visit:{visit}"
        return self.token(binding)


def own_form() -> Any:  # noqa: ANN401 - FastAPI's Depends marker
    """Take a POST only from a form of ours: the dependency after the guard of every page that changes something."""
    return Depends(_checked)


async def _checked(request: Request) -> None:
    tokens = cast("FormTokens", state_of(request.app).services[FORM_TOKENS])
    given = (await request.form()).get(FORM_FIELD)
    binding = _binding(request)
    if not isinstance(given, str) or binding is None or not tokens.holds(given, binding):
        raise FormTooOldError("The form was open too long, or did not come from this console.")


def _binding(request: Request) -> str | None:
    """Return what a form of this request hangs on: its session, or the visit of somebody not logged in."""
    caller = request.scope["state"]["caller"]
    if isinstance(caller, Principal) and caller.id is not None:
        return f"session:{caller.session or caller.id}"
    visit = request.cookies.get(VISIT_COOKIE)
    return f"visit:{visit}" if visit else None
