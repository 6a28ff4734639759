"""All routers of identity, for the application."""

from fastapi import APIRouter

from caravan.platform.identity import (
    account_routes,
    auth_routes,
    invite_routes,
    member_routes,
    tenancy_routes,
)

__all__ = ["routers"]


def routers() -> list[APIRouter]:
    """Return the routers of identity."""
    return [
        auth_routes.router,
        auth_routes.well_known,
        account_routes.me,
        account_routes.router,
        tenancy_routes.organisations,
        tenancy_routes.clients,
        tenancy_routes.projects,
        member_routes.users,
        member_routes.memberships,
        member_routes.api_keys,
        invite_routes.router,
        invite_routes.accepting,
    ]
