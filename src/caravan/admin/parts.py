"""What the shell's own pages work with; made once per process."""

from dataclasses import dataclass
from typing import Final, cast

from fastapi import Request

from caravan.admin.accounts import Accounts, Visitor
from caravan.admin.cookies import Cookies
from caravan.admin.pending import PendingSeal
from caravan.admin.renewals import Renewals
from caravan.core.http.context import current_request
from caravan.core.http.pages import ConsolePages
from caravan.core.http.state import state_of

__all__ = ["CONSOLE_PARTS", "ConsoleParts", "parts_of", "visitor_of"]

CONSOLE_PARTS: Final = "console_parts"


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    accounts: Accounts
    cookies: Cookies
    seal: PendingSeal
    renewals: Renewals
    pages: ConsolePages

    @classmethod
    def over(
        cls, accounts: Accounts, *, cookies: Cookies, seal: PendingSeal, pages: ConsolePages
    ) -> "ConsoleParts":
        return cls(accounts, cookies, seal, Renewals(accounts.renew), pages)


def parts_of(request: Request) -> ConsoleParts:
    """Return the parts of this application."""
    return cast("ConsoleParts", state_of(request.app).services[CONSOLE_PARTS])


def visitor_of(request: Request) -> Visitor:
    """Return where this request comes from, as the edge found it."""
    known = current_request()
    peer = request.client.host if request.client else "unix"
    return Visitor(known.address if known else peer, request.headers.get("user-agent", "")[:200])
