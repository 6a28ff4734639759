"""Log-ins of operators: a random cookie, of which the database keeps the digest, so that a log-out ends it everywhere."""

import asyncio
import secrets
from collections.abc import Mapping
from datetime import timedelta
from http.cookies import CookieError, SimpleCookie
from typing import Final

from sqlalchemy import text

from caravan.core.clock import Clock, utc_now
from caravan.core.database import Database
from caravan.core.errors import CaravanError
from caravan.core.http.credentials import Credentials
from caravan.core.ids import uuid7
from caravan.core.principal import ANONYMOUS, Principal, UnauthenticatedError
from caravan.core.protocols import Authenticated, TenancyRequest
from caravan.migration.console.act_errors import OperatorRefusedError
from caravan.migration.console.operators import Operators, operator_principal, token_digest
from caravan.migration.units import Scope, append, connected

__all__ = ["OPERATOR_COOKIE", "SESSION_SECONDS", "OperatorCredentials", "OperatorSessions"]

OPERATOR_COOKIE: Final = "caravan_operator"
"""Another one than the platform's: browsers share cookies between the ports of a host."""

SESSION_SECONDS: Final = 12 * 3600
_CHECKED_FOR: Final = timedelta(seconds=5)
_BEGIN: Final = """
INSERT INTO engine.operator_sessions (org_id, migration, digest, id, operator, token, began_at, expires_at)
VALUES (%(org)s, %(migration)s, %(digest)s, %(id)s, %(operator)s, %(token)s, %(at)s, %(until)s)
"""
_OVER: Final = """
DELETE FROM engine.operator_sessions WHERE org_id = %(org)s AND migration = %(migration)s AND expires_at < %(at)s
"""
_FIND: Final = text("""
SELECT id, operator, token FROM engine.operator_sessions
WHERE org_id = :org AND migration = :migration AND digest = :digest AND expires_at > :at
""")
_END: Final = text("""
DELETE FROM engine.operator_sessions WHERE org_id = :org AND migration = :migration AND digest = :digest
""")


class OperatorSessions:
    """Begins, checks and ends sessions; it is the ``Authenticator`` of a console that runs without the platform."""

    def __init__(
        self, database: Database, scope: Scope, operators: Operators, *, clock: Clock = utc_now
    ) -> None:
        self._database = database
        self._scope = scope
        self._operators = operators
        self._clock = clock

    async def begin(self, name: str, token: str, address: str) -> str:
        """Return the value of the session's cookie; the journal has the log-in. Raises ``OperatorRefusedError``."""
        found = self._operators.holding(name, token)
        if found is None:
            raise OperatorRefusedError(f"No operator {name!r} has this token.")
        credential = secrets.token_urlsafe(32)
        await asyncio.to_thread(self._write, name, found.token, credential, address)
        return credential

    async def end(self, credential: str) -> None:
        """End the session, for whoever has the cookie."""
        async with self._database.write() as session:
            await session.execute(_END, self._of(credential))

    async def authenticate(self, credential: str, _tenancy: TenancyRequest) -> Authenticated:
        """Return the operator behind a cookie; raises ``UnauthenticatedError``."""
        now = self._clock()
        async with self._database.read() as session:
            row = (await session.execute(_FIND, {**self._of(credential), "at": now})).one_or_none()
        operator = self._operators.named(row.operator) if row else None
        if row is None or operator is None or operator.token != row.token:
            raise UnauthenticatedError("The session is over.")
        principal = operator_principal(self._scope, row.operator, operator, row.id)
        return Authenticated(principal, now + _CHECKED_FOR)

    def _write(self, name: str, token: str, credential: str, address: str) -> None:
        now = self._clock()
        row = {
            **self._scope.parameters,
            "digest": token_digest(credential),
            "id": uuid7(),
            "operator": name,
            "token": token,
            "at": now,
            "until": now + timedelta(seconds=SESSION_SECONDS),
        }
        with connected(self._database.address) as connection, connection.transaction():
            connection.execute(_OVER.encode(), row)
            connection.execute(_BEGIN.encode(), row)
            with connection.cursor() as cursor:
                facts = {"name": name, "from": address}
                append(cursor, self._scope, at=now, phase="logged in", by=name, facts=facts)

    def _of(self, credential: str) -> dict[str, object]:
        return {**self._scope.parameters, "digest": token_digest(credential)}


class OperatorCredentials(Credentials):
    """Finds the caller by the operator's cookie alone; nothing is remembered, so that who is taken out of the file is out."""

    def __init__(self, sessions: OperatorSessions) -> None:
        super().__init__(sessions)
        self._sessions = sessions

    async def caller(
        self, headers: Mapping[bytes, bytes], *, remember: bool = True
    ) -> Principal | CaravanError:
        """Return the operator, or the error that the cookie deserves."""
        del remember
        credential = _cookie(headers.get(b"cookie", b""))
        if not credential:
            return ANONYMOUS
        try:
            return (await self._sessions.authenticate(credential, TenancyRequest())).principal
        except CaravanError as error:
            return error


def _cookie(given: bytes) -> str:
    try:
        found = SimpleCookie(given.decode("latin-1")).get(OPERATOR_COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
