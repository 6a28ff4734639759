"""What makes it cheaper."""

from fastapi import APIRouter

from caravan.commerce.promotions.models import Promotion
from caravan.commerce.promotions.routes import router

__all__ = ["Promotion", "routers"]


def routers() -> list[APIRouter]:
    """Return the routers of this feature."""
    return [router]
