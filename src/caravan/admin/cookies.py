"""The console's cookies: never readable by scripts, never sent by other sites, never outside /console."""

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from caravan.admin.accounts import Tokens
from caravan.core.http.credentials import SESSION_COOKIE
from caravan.core.http.pages import CONSOLE
from caravan.core.settings import Settings

__all__ = ["PENDING_COOKIE", "REFRESH_COOKIE", "RENEWED_COOKIE", "Cookies"]

REFRESH_COOKIE: Final = "caravan_refresh"
PENDING_COOKIE: Final = "caravan_login"
RENEWED_COOKIE: Final = "caravan_renewed"
_PENDING_SECONDS: Final = 300
_RENEWED_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Cookies:
    """Writes them; ``secure`` when people reach the console by https."""

    secure: bool

    @classmethod
    def of(cls, settings: Settings) -> "Cookies":
        return cls(secure=settings.url.startswith("https://"))

    def keep(self, response: Response, tokens: Tokens) -> None:
        """Begin or go on with a session."""
        self._set(response, SESSION_COOKIE, tokens.access, tokens.access_seconds)
        self._set(response, REFRESH_COOKIE, tokens.refresh, tokens.refresh_seconds)

    def end(self, response: Response) -> None:
        """End the session in this browser."""
        for name in (SESSION_COOKIE, REFRESH_COOKIE, PENDING_COOKIE):
            self._drop(response, name)

    def set_pending(self, response: Response, sealed: str) -> None:
        """Keep a log-in that has one more step."""
        self._set(response, PENDING_COOKIE, sealed, _PENDING_SECONDS)

    def drop_pending(self, response: Response) -> None:
        """Forget the step in hand."""
        self._drop(response, PENDING_COOKIE)

    def mark_renewed(self, response: Response) -> None:
        """Remember for a moment that the session was renewed, so that a refused one is not renewed in a circle."""
        self._set(response, RENEWED_COOKIE, "1", _RENEWED_SECONDS)

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path=CONSOLE,
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def _drop(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path=CONSOLE, secure=self.secure, httponly=True, samesite="lax")
