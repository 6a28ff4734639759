"""The shell put into an application."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from fastapi import APIRouter

from caravan.admin import assets, invitation_pages, log_in_pages, reset_pages, session_pages
from caravan.admin.accounts import Accounts
from caravan.admin.cookies import Cookies
from caravan.admin.error_pages import console_error
from caravan.admin.identity_accounts import IdentityAccounts
from caravan.admin.parts import CONSOLE_PARTS, ConsoleParts
from caravan.admin.pending import PendingSeal
from caravan.admin.shell import Shell
from caravan.core.http.errors import ErrorShape
from caravan.core.http.forms import FORM_TOKENS, FormTokens
from caravan.core.http.pages import CONSOLE, PAGE_SHELL, PageSet
from caravan.core.http.state import AppState
from caravan.core.secrets_box import Box

__all__ = ["console_routers", "error_shapes", "frame_routers", "install", "install_frame", "page_set"]

_TEMPLATES: Final = Path(__file__).parent / "templates" / "console"
_SEAL: Final = "console.key"


def console_routers() -> list[APIRouter]:
    """Return the shell's own routers: files, log-in, forgotten passwords, invitations, session."""
    return [
        assets.router,
        log_in_pages.router,
        reset_pages.router,
        invitation_pages.router,
        session_pages.router,
    ]


def frame_routers() -> list[APIRouter]:
    """Return what the frame itself needs, its files."""
    return [assets.router]


def page_set() -> PageSet:
    """Return the shell's templates; it has no entry in the navigation of its own."""
    return PageSet("console", _TEMPLATES)


def error_shapes() -> Mapping[str, ErrorShape]:
    """Return how errors below /console are told."""
    return {CONSOLE: console_error}


def install(state: AppState, sets: Sequence[PageSet], accounts: Accounts | None = None) -> None:
    """Give the application its frame, its form tokens and its log-in.

    ``sets`` are those of every room, the shell's own included; ``accounts`` are identity's unless others are given.
    """
    shell = install_frame(state, sets)
    seal = PendingSeal(Box(state.settings.keys_folder / _SEAL))
    people = accounts or IdentityAccounts(state.services["identity"], state.authenticator)
    state.services[CONSOLE_PARTS] = ConsoleParts.over(
        people, cookies=Cookies.of(state.settings), seal=seal, pages=shell.pages
    )


def install_frame(state: AppState, sets: Sequence[PageSet]) -> Shell:
    """Give the application its frame and form tokens alone: for a console whose rooms bring a log-in of their own."""
    tokens = FormTokens.kept_in(state.settings.keys_folder)
    shell = Shell(sets, tokens, Cookies.of(state.settings))
    state.services[PAGE_SHELL] = shell
    state.services[FORM_TOKENS] = tokens
    return shell
