"""What routes ask for: the caller, a scope, a session. Function scope commits before the answer leaves."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Request

from caravan.core.database import Database, ReadSession, WriteSession
from caravan.core.errors import CaravanError
from caravan.core.http.state import AppState, state_of
from caravan.core.idempotency.claims import claim_or_replay
from caravan.core.principal import (
    ANONYMOUS,
    PasswordChangeRequiredError,
    Principal,
    PrincipalKind,
    UnauthenticatedError,
)

__all__ = [
    "Guard",
    "Read",
    "SystemRead",
    "SystemWrite",
    "Write",
    "caller_of",
    "guard",
    "public",
    "read_session",
    "write_session",
]


def caller_of(request: Request) -> Principal:
    """Return the caller as the edge found it; raises what made its credentials unusable."""
    found: Principal | CaravanError = request.scope["state"]["caller"]
    if isinstance(found, CaravanError):
        raise found
    return found


class Guard:
    """States who may use a route: anybody (``public``), any caller, or one who has one of ``scopes``.

    Who still has to change the password they were given is refused, save where that is ``given_password_will_do``.
    """

    def __init__(
        self, scopes: tuple[str, ...], *, public: bool = False, given_password_will_do: bool = False
    ) -> None:
        self.scopes = scopes
        self.public = public
        self._given_password_will_do = given_password_will_do

    async def __call__(self, request: Request) -> Principal:
        if self.public:
            found = request.scope["state"]["caller"]
            return found if isinstance(found, Principal) else ANONYMOUS
        caller = caller_of(request)
        if caller.kind is PrincipalKind.ANONYMOUS:
            raise UnauthenticatedError("This route needs a log-in.")
        if caller.must_change_password and not self._given_password_will_do:
            raise PasswordChangeRequiredError("You still have the password that you were given.")
        if self.scopes:
            caller.require_org()
            caller.require(*self.scopes)
        return caller


def guard(*scopes: str, given_password_will_do: bool = False) -> Any:  # noqa: ANN401 - FastAPI's Depends marker
    """Ask for a caller who has one of ``scopes`` in the chosen organisation; without scopes, any logged-in caller."""
    return Depends(Guard(scopes, given_password_will_do=given_password_will_do))


def public() -> Any:  # noqa: ANN401 - FastAPI's Depends marker
    """Mark a route open to everybody; yields the caller, or the anonymous principal."""
    return Depends(Guard((), public=True))


async def write_session(request: Request) -> AsyncIterator[WriteSession]:
    """Open the request's one transaction for its tenant; an idempotency key is claimed in it first."""
    state = state_of(request.app)
    async for session in _write(request, state.database):
        yield session


async def system_write_session(request: Request) -> AsyncIterator[WriteSession]:
    """Open the request's one transaction in the system's role, for what comes before a tenant is known (log-in)."""
    state = state_of(request.app)
    async for session in _write(request, state.system_database):
        yield session


async def _write(request: Request, database: Database) -> AsyncIterator[WriteSession]:
    caller = request.scope["state"]["caller"]
    org = caller.org if isinstance(caller, Principal) else None
    async with claim_or_replay(request, database, org) as session:
        yield session


async def read_session(request: Request) -> AsyncIterator[ReadSession]:
    """Open a read-only transaction for the caller's tenant."""
    state: AppState = state_of(request.app)
    async with state.database.read(caller_of(request).org) as session:
        yield session


async def system_read_session(request: Request) -> AsyncIterator[ReadSession]:
    """Open a read-only transaction that sees every tenant; the use case checks membership itself."""
    async with state_of(request.app).system_database.read() as session:
        yield session


Write = Annotated[WriteSession, Depends(write_session, scope="function")]
Read = Annotated[ReadSession, Depends(read_session, scope="function")]
SystemWrite = Annotated[WriteSession, Depends(system_write_session, scope="function")]
SystemRead = Annotated[ReadSession, Depends(system_read_session, scope="function")]
