"""What was paid."""

from fastapi import APIRouter

from caravan.commerce.payments.models import Transaction, TransactionState
from caravan.commerce.payments.routes import router

__all__ = ["Transaction", "TransactionState", "routers"]


def routers() -> list[APIRouter]:
    """Return the routers of this feature."""
    return [router]
