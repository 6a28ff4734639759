"""The console's shell: log-in, frame, navigation and files. Rooms bring their pages through ``PageSet``."""

from caravan.admin.accounts import Accounts, Tokens, Visitor
from caravan.admin.identity_accounts import IdentityAccounts
from caravan.admin.install import (
    console_routers,
    error_shapes,
    frame_routers,
    install,
    install_frame,
    page_set,
)

__all__ = [
    "Accounts",
    "IdentityAccounts",
    "Tokens",
    "Visitor",
    "console_routers",
    "error_shapes",
    "frame_routers",
    "install",
    "install_frame",
    "page_set",
]
