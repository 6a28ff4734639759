"""What is sold."""

from fastapi import APIRouter

from caravan.commerce.catalog.models import Product, ProductState
from caravan.commerce.catalog.routes import router

__all__ = ["Product", "ProductState", "routers"]


def routers() -> list[APIRouter]:
    """Return the routers of this feature."""
    return [router]
