"""What the ground floor needs from above, named here so that it imports nothing of it; ``entry`` wires them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from caravan.core.principal import Principal

__all__ = [
    "AuditSink",
    "Authenticated",
    "Authenticator",
    "DryRunVerifier",
    "Notifier",
    "SignedRequest",
    "TenancyRequest",
    "TenantDirectory",
]


@dataclass(frozen=True, slots=True)
class TenancyRequest:
    """Organisation, client and project as declared headers or the portal's filter cookies name them: ids or codes."""

    org: str | None = None
    client: str | None = None
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A verified caller, and the moment after which the check must be made again."""

    principal: Principal
    valid_until: datetime


class Authenticator(Protocol):
    async def authenticate(self, credential: str, tenancy: TenancyRequest) -> Authenticated:
        """Return the caller behind a bearer credential, or raise ``UnauthenticatedError``."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as received, whole; names and values of headers are ISO 8859-1, the target is not decoded."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class DryRunVerifier(Protocol):
    def verify(self, request: SignedRequest, now: datetime) -> str:
        """Return the nonce of a request whose signature holds; raises a ``CaravanError`` of status 401 for any other."""


class AuditSink(Protocol):
    async def record(
        self,
        session: AsyncSession,
        principal: Principal,
        action: str,
        *,
        entity: str,
        entity_id: UUID | str,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Write one audit row in the caller's transaction."""


class Notifier(Protocol):
    async def send(
        self, *, channel: str, to: str, template: str, variables: Mapping[str, Any], idempotency_key: str
    ) -> None:
        """Deliver one message (``email`` or ``sms``); raises when the provider refused it, so that it is tried again."""


class TenantDirectory(Protocol):
    async def ensure(self, org: str, client: str | None) -> tuple[UUID, UUID | None]:
        """Return the ids of an organisation and client by code, made when absent."""
