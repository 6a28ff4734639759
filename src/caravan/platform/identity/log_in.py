"""Log-in: who exists, who is locked out and how a password is stored look the same from outside."""

import asyncio
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, select

from caravan.core.database import AnySession, WriteSession
from caravan.core.principal import Principal, PrincipalKind
from caravan.platform import audit
from caravan.platform.identity.errors import (
    InvalidCredentialsError,
    LoginLockedError,
    TotpCodeInvalidError,
    TotpRequiredError,
)
from caravan.platform.identity.families import Issued, Visitor, open_family
from caravan.platform.identity.lockout import check_lock, count_failure, forget_failures, subject_of
from caravan.platform.identity.members import Member, choose_member
from caravan.platform.identity.parts import Identity
from caravan.platform.identity.passwords import Verdict
from caravan.platform.identity.tenancy_tables import User
from caravan.platform.identity.totp import accept_code

__all__ = ["LoginRequest", "find_user", "log_in", "normalised"]


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """``identifier`` is an e-mail address or user name; ``code`` a one-time or recovery code."""

    identifier: str
    password: str
    client_code: str | None = None
    org: str | None = None
    code: str | None = None
    visitor: Visitor = field(default_factory=Visitor)


@dataclass(frozen=True, slots=True)
class _Candidate:
    user: User | None
    allowed: bool
    member: Member | None


async def log_in(identity: Identity, request: LoginRequest) -> Issued:
    """Open a session.

    It runs its own transactions, because what a failure leaves behind has to stay.

    Raises:
        InvalidCredentialsError: whatever of name, client code, organisation, password or state was wrong.
        LoginLockedError: too many failures with this name, known or not.
        TotpRequiredError: all was right, and the user's second factor is missing.
        TotpCodeInvalidError: all was right but the code; it counts as a failure.
    """
    started = asyncio.get_running_loop().time()
    try:
        async with identity.login_slots:
            return await _attempt(identity, request)
    except (InvalidCredentialsError, LoginLockedError, TotpCodeInvalidError):
        await asyncio.sleep(started + identity.failure_floor - asyncio.get_running_loop().time())
        raise


def normalised(identifier: str) -> str:
    """Return the form in which names are stored and counted."""
    return identifier.strip().lower()


async def find_user(session: AnySession, identifier: str) -> User | None:
    """Return the user with this e-mail address or user name."""
    name = normalised(identifier)
    column = User.email if "@" in name else User.username
    matches: ColumnElement[bool] = column == name
    return await session.scalar(select(User).where(matches))


async def _attempt(identity: Identity, request: LoginRequest) -> Issued:
    subject = subject_of(normalised(request.identifier))
    async with identity.system.read() as session:
        await check_lock(session, subject, identity.clock())
        candidate = await _candidate(session, request)
    stored = candidate.user.password_hash if candidate.user is not None else None
    verdict = await identity.passwords.verify(request.password, stored)
    try:
        user = _admitted(candidate, verdict)
        async with identity.system.write() as writing:
            return await _open(writing, identity, user, candidate.member, verdict, request)
    except (InvalidCredentialsError, TotpCodeInvalidError):
        async with identity.system.write() as writing:
            await count_failure(writing, subject, identity.clock())
        raise


async def _candidate(session: AnySession, request: LoginRequest) -> _Candidate:
    user = await find_user(session, request.identifier)
    if user is None:
        return _Candidate(None, allowed=False, member=None)
    allowed, member = await choose_member(session, user.id, org=request.org, client_code=request.client_code)
    return _Candidate(user, allowed, member)


def _admitted(candidate: _Candidate, verdict: Verdict) -> User:
    user = candidate.user
    if user is None or not verdict.right or not candidate.allowed or user.disabled_at is not None:
        raise InvalidCredentialsError
    return user


async def _open(
    session: WriteSession,
    identity: Identity,
    checked: User,
    member: Member | None,
    verdict: Verdict,
    request: LoginRequest,
) -> Issued:
    user = await session.get_one(User, checked.id, with_for_update=True)
    if user.password_hash != checked.password_hash or user.disabled_at is not None:
        raise InvalidCredentialsError  # changed while we verified
    if user.totp_enabled_at is not None:
        if request.code is None:
            raise TotpRequiredError
        await accept_code(session, identity, user, request.code)
    if verdict.replacement is not None:
        user.password_hash = verdict.replacement
    user.last_login_at = identity.clock()
    await forget_failures(session, subject_of(normalised(request.identifier)))
    issued = open_family(session, identity, user, member, request.visitor)
    await session.flush()
    if member is not None:
        caller = Principal(PrincipalKind.USER, user.id, member.org, member.client, session=issued.session)
        await audit.record(session, caller, "identity.logged_in", entity="session", entity_id=issued.session)
    return issued
