"""Who is calling, and on whose behalf."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final
from uuid import UUID

from caravan.core.errors import CaravanError

__all__ = [
    "ANONYMOUS",
    "ForbiddenError",
    "NotFoundError",
    "OrgRequiredError",
    "PasswordChangeRequiredError",
    "Principal",
    "PrincipalKind",
    "UnauthenticatedError",
]


class UnauthenticatedError(CaravanError):
    code = "unauthenticated"
    status = 401
    title = "Not logged in"
    fix = "Send `Authorization: Bearer <token>`; get a token from POST /api/v1/auth/login or make an API key."

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class ForbiddenError(CaravanError):
    code = "forbidden"
    status = 403
    title = "Not allowed"
    fix = "Ask an administrator of your organisation for the permission named in the message."


class OrgRequiredError(CaravanError):
    code = "org_required"
    status = 400
    title = "No organisation chosen"
    fix = "Log in to an organisation, or name one of yours in the X-Caravan-Org header."


class PasswordChangeRequiredError(CaravanError):
    code = "password_change_required"
    status = 403
    title = "The password has to be changed first"
    fix = "Send the password you were given and one of your own to POST /api/v1/me/password; then go on with the same token."


class NotFoundError(CaravanError):
    code = "not_found"
    status = 404
    title = "Not found"
    fix = "Check the id; what belongs to another organisation is not found either."


class PrincipalKind(StrEnum):
    ANONYMOUS = "anonymous"
    USER = "user"
    API_KEY = "api_key"
    CHAT = "chat"
    DRIVER = "driver"
    SERVICE = "service"


@lru_cache(maxsize=4096)
def _label(kind: PrincipalKind, identity: UUID) -> str:
    return f"{kind}:{identity}"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of one request or job: identity, tenancy, and what it may do."""

    kind: PrincipalKind
    id: UUID | None = None
    org: UUID | None = None
    client: UUID | None = None
    project: UUID | None = None
    scopes: frozenset[str] = field(default_factory=frozenset)
    locale: str = "en"
    name: str = ""
    session: UUID | None = None
    must_change_password: bool = False
    """Whoever made the account knows its password: nothing but changing it, asking who one is and leaving is allowed."""

    @property
    def label(self) -> str:
        """A stable short text for logs, limits and idempotency: ``user:0192…`` or ``anonymous``."""
        return _label(self.kind, self.id) if self.id else str(self.kind)

    def may(self, *any_of: str) -> bool:
        """Tell whether one of these scopes is held; ``admin`` holds them all."""
        return "admin" in self.scopes or not self.scopes.isdisjoint(any_of)

    def require(self, *any_of: str) -> None:
        """Raise ``ForbiddenError`` unless one of these scopes is held."""
        if not self.may(*any_of):
            raise ForbiddenError(f"This needs the permission {' or '.join(any_of)}.", needs=list(any_of))

    def require_org(self) -> UUID:
        """Return the organisation of the call, or raise ``OrgRequiredError``."""
        if self.org is None:
            raise OrgRequiredError
        return self.org

    def within(self, *, org: UUID | None, client: UUID | None, project: UUID | None) -> "Principal":
        """Return this caller with the tenancy that was asked for (already checked against membership)."""
        return replace(self, org=org, client=client, project=project)


ANONYMOUS: Final = Principal(PrincipalKind.ANONYMOUS)
