"""Who buys, and where it goes."""

from fastapi import APIRouter

from caravan.commerce.customers.models import Address, AddressKind, Customer
from caravan.commerce.customers.routes import router

__all__ = ["Address", "AddressKind", "Customer", "routers"]


def routers() -> list[APIRouter]:
    """Return the routers of this feature."""
    return [router]
