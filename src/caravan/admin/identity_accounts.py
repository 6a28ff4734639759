"""The console's accounts are identity's."""

from datetime import timedelta
from typing import Final

from caravan.admin.accounts import Invitation, Joining, Tokens, Visitor
from caravan.core.clock import Clock, utc_now
from caravan.core.principal import ANONYMOUS, Principal
from caravan.core.protocols import Authenticator, TenancyRequest
from caravan.platform import identity as people
from caravan.platform.identity import Acceptance, Identity, Issued, LoginRequest

__all__ = ["IdentityAccounts"]

_TABS: Final = timedelta(seconds=10)
"""How far apart two tabs of one browser, in two processes of ours, may renew one session."""


class IdentityAccounts:
    """``Accounts`` over identity's use cases; ``authenticator`` tells who is behind a token that was just given."""

    def __init__(self, identity: Identity, authenticator: Authenticator, *, clock: Clock = utc_now) -> None:
        self._identity = identity
        self._authenticator = authenticator
        self._clock = clock

    async def log_in(self, name: str, password: str, code: str | None, visitor: Visitor) -> Tokens:
        seen = people.Visitor(user_agent=visitor.user_agent, address=visitor.address)
        request = LoginRequest(identifier=name, password=password, code=code, visitor=seen)
        return self._tokens(await people.log_in(self._identity, request))

    async def renew(self, refresh: str) -> Tokens:
        return self._tokens(await people.refresh(self._identity, refresh, grace=_TABS))

    async def log_out(self, caller: Principal, refresh: str | None) -> None:
        async with self._identity.system.write() as session:
            await people.log_out(session, caller, refresh_token=refresh, now=self._clock())

    async def change_password(self, tokens: Tokens, current: str, new: str) -> Tokens:
        caller = (await self._authenticator.authenticate(tokens.access, TenancyRequest())).principal
        async with self._identity.system.write() as session:
            await people.change_password(session, self._identity, caller, current=current, new=new)
        return tokens

    async def ask_for_reset(self, name: str) -> None:
        async with self._identity.system.write() as session:
            await people.request_password_reset(session, ANONYMOUS, identifier=name)

    async def check_reset(self, token: str) -> None:
        await people.check_reset_token(self._identity, token)

    async def reset_password(self, token: str, new: str) -> None:
        await people.reset_password(self._identity, token=token, password=new)

    async def invitation(self, token: str) -> Invitation:
        found = await people.read_open_invite(self._identity, token)
        return Invitation(found.organisation, found.email, found.has_account)

    async def join(self, joining: Joining) -> None:
        said = Acceptance(joining.token, joining.password, joining.display_name, joining.username)
        await people.accept_invite(self._identity, said)

    def _tokens(self, issued: Issued) -> Tokens:
        now = self._clock()
        return Tokens(
            issued.access_token,
            int((issued.access_expires_at - now).total_seconds()),
            issued.refresh_token,
            int((issued.refresh_expires_at - now).total_seconds()),
            issued.user.must_change_password,
        )
