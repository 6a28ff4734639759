"""Tables of identity; the split follows what they are about, this module is where Alembic finds them all."""

from caravan.platform.identity.credential_tables import (
    ApiKey,
    LoginAttempt,
    PasswordReset,
    RecoveryCode,
    RefreshFamily,
    RefreshToken,
)
from caravan.platform.identity.tenancy_tables import Client, Invite, Membership, Organisation, Project, User

__all__ = [
    "ApiKey",
    "Client",
    "Invite",
    "LoginAttempt",
    "Membership",
    "Organisation",
    "PasswordReset",
    "Project",
    "RecoveryCode",
    "RefreshFamily",
    "RefreshToken",
    "User",
]
