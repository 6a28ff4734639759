"""Identity: who calls, in which organisation, and what they may do.

Its tables are in ``models``; a worker imports ``tasks``, which registers its handlers.
"""

from typing import TYPE_CHECKING

from caravan.platform.identity.authenticator import IdentityAuthenticator
from caravan.platform.identity.change_password import change_password
from caravan.platform.identity.families import Issued, Visitor
from caravan.platform.identity.first_admin import (
    AddedUser,
    add_user,
    create_first_admin,
    reset_password_by_operator,
)
from caravan.platform.identity.invites import Acceptance, accept_invite
from caravan.platform.identity.log_in import LoginRequest, log_in
from caravan.platform.identity.log_out import log_out
from caravan.platform.identity.open_invites import OpenInvite, read_open_invite
from caravan.platform.identity.parts import Identity
from caravan.platform.identity.password_reset import check_reset_token, request_password_reset, reset_password
from caravan.platform.identity.passwords import Passwords
from caravan.platform.identity.refresh import refresh
from caravan.platform.identity.revocations import watch_revocations
from caravan.platform.identity.roles import PERMISSIONS, ROLES
from caravan.platform.identity.sealing import Sealer
from caravan.platform.identity.signing_keys import SigningKeys
from caravan.platform.identity.tenant_directory import IdentityTenantDirectory
from caravan.platform.identity.users import USERNAME

if TYPE_CHECKING:
    from fastapi import APIRouter

__all__ = [
    "PERMISSIONS",
    "ROLES",
    "USERNAME",
    "Acceptance",
    "AddedUser",
    "Identity",
    "IdentityAuthenticator",
    "IdentityTenantDirectory",
    "Issued",
    "LoginRequest",
    "OpenInvite",
    "Passwords",
    "Sealer",
    "SigningKeys",
    "Visitor",
    "accept_invite",
    "add_user",
    "change_password",
    "check_reset_token",
    "create_first_admin",
    "log_in",
    "log_out",
    "read_open_invite",
    "refresh",
    "request_password_reset",
    "reset_password",
    "reset_password_by_operator",
    "routers",
    "watch_revocations",
]


def routers() -> list["APIRouter"]:
    """Return the routers of identity, imported when they are asked for: only a server needs them."""
    from caravan.platform.identity import routes  # noqa: PLC0415 - as the docstring says

    return routes.routers()
