"""Who brings customers."""

from fastapi import APIRouter

from caravan.commerce.affiliates.models import Affiliate, AffiliateState
from caravan.commerce.affiliates.routes import router

__all__ = ["Affiliate", "AffiliateState", "routers"]


def routers() -> list[APIRouter]:
    """Return the routers of this feature."""
    return [router]
