"""What was bought."""

from fastapi import APIRouter

from caravan.commerce.orders.models import Order, OrderItem, TrackingNumber
from caravan.commerce.orders.routes import router
from caravan.commerce.orders.states import OrderState

__all__ = ["Order", "OrderItem", "OrderState", "TrackingNumber", "routers"]


def routers() -> list[APIRouter]:
    """Return the routers of this feature."""
    return [router]
