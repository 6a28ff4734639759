"""What goes over the wire. Inputs refuse what PostgreSQL cannot store; outputs have no defaults."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, EmailStr, Field, StringConstraints

from caravan.core.http import Answer
from caravan.platform.identity.users import USERNAME

__all__ = [
    "AcceptIn",
    "ApiKeyCreated",
    "ApiKeyIn",
    "ApiKeyOut",
    "ClientIn",
    "ClientOut",
    "EndSessionsOut",
    "InviteIn",
    "InviteOut",
    "LoginIn",
    "LogoutIn",
    "MeOut",
    "MembershipChange",
    "MembershipIn",
    "MembershipOut",
    "OrganisationIn",
    "OrganisationOut",
    "PasswordChangeIn",
    "ProjectIn",
    "ProjectOut",
    "RecoveryCodesOut",
    "RefreshIn",
    "Renamed",
    "ResetIn",
    "ResetRequestIn",
    "SessionOut",
    "TokensOut",
    "TotpCodeIn",
    "TotpSetupOut",
    "UserChangeIn",
    "UserIn",
    "UserOut",
]

Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{3,32}$")]
ProjectCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Username = Annotated[str, StringConstraints(pattern=USERNAME)]
Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]


class LoginIn(Answer):
    identifier: Line = Field(description="E-mail address or user name.", examples=["ada@example.com"])
    password: Secret
    client_code: Line | None = Field(None, description="As the portal asks for; chooses the client.")
    org: Line | None = Field(None, description="Id or code of one of your organisations.")
    code: Line | None = Field(None, description="One-time code or recovery code.")


class TokensOut(Answer):
    access_token: str
    token_type: Literal["Bearer"]
    expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime
    session_id: UUID
    user_id: UUID
    org_id: UUID | None
    client_id: UUID | None
    scopes: list[str]
    must_change_password: bool


class RefreshIn(Answer):
    refresh_token: Secret


class LogoutIn(Answer):
    refresh_token: Secret | None = None


class SessionOut(Answer):
    id: UUID
    user_agent: str | None
    address: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool


class EndSessionsOut(Answer):
    ended: int


class ResetRequestIn(Answer):
    identifier: Line
    client_code: Line | None = None


class ResetIn(Answer):
    token: Secret
    password: Secret


class PasswordChangeIn(Answer):
    current: Secret
    new: Secret


class TotpSetupOut(Answer):
    secret: str
    uri: str


class TotpCodeIn(Answer):
    code: Line


class RecoveryCodesOut(Answer):
    recovery_codes: list[str]


class MeOut(Answer):
    kind: str
    id: UUID | None
    name: str
    org_id: UUID | None
    client_id: UUID | None
    project_id: UUID | None
    scopes: list[str]
    locale: str
    session_id: UUID | None
    must_change_password: bool


class OrganisationIn(Answer):
    code: Code
    name: Line


class OrganisationOut(Answer):
    id: UUID
    code: str
    name: str
    created_at: datetime


class ClientIn(Answer):
    code: Code | None = Field(None, description="Six random characters when left out.")
    name: Line


class ClientOut(Answer):
    id: UUID
    code: str
    name: str
    created_at: datetime


class ProjectIn(Answer):
    code: ProjectCode
    name: Line
    client: Line | None = Field(None, description="Id or code of the client it belongs to.")


class ProjectOut(Answer):
    id: UUID
    client_id: UUID | None
    code: str
    name: str
    created_at: datetime


class Renamed(Answer):
    name: Line


class UserIn(Answer):
    email: EmailStr
    display_name: Line
    username: Username | None = None
    password: Secret | None = Field(
        None, description="To be changed by its owner; left out: by password reset."
    )
    locale: Locale = "en"
    role: Line = "user"
    permissions: list[Line] = Field(default_factory=list, max_length=50)
    client: Line | None = Field(None, description="Id or code of the client that bounds the membership.")


class UserChangeIn(Answer):
    email: EmailStr | None = None
    username: Username | None = None
    display_name: Line | None = None
    locale: Locale | None = None
    disabled: bool | None = None


class UserOut(Answer):
    id: UUID
    email: str
    username: str | None
    display_name: str
    locale: str
    created_at: datetime
    last_login_at: datetime | None
    disabled_at: datetime | None
    must_change_password: bool
    totp_enabled_at: datetime | None


class MembershipIn(Answer):
    user: Line = Field(description="Id or e-mail address.")
    role: Line
    permissions: list[Line] = Field(default_factory=list, max_length=50)
    client: Line | None = None


class MembershipChange(Answer):
    role: Line | None = None
    permissions: list[Line] | None = Field(None, max_length=50)


class MembershipOut(Answer):
    id: UUID
    user_id: UUID
    client_id: UUID | None
    role: str
    permissions: list[str]
    created_at: datetime


class InviteIn(Answer):
    email: EmailStr
    role: Line
    client: Line | None = None


class InviteOut(Answer):
    id: UUID
    email: str
    role: str
    client_id: UUID | None
    created_by: UUID | None
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None


class AcceptIn(Answer):
    token: Secret
    password: Secret
    display_name: Line | None = None
    username: Username | None = None


class ApiKeyIn(Answer):
    name: Line
    scopes: list[Line] = Field(min_length=1, max_length=50)
    client: Line | None = None
    expires_at: AwareDatetime | None = None


class ApiKeyOut(Answer):
    id: UUID
    name: str
    prefix: str
    scopes: list[str]
    client_id: UUID | None
    created_by: UUID | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class ApiKeyCreated(Answer):
    key: str = Field(description="Shown once.")
    api_key: ApiKeyOut
