"""The states of an order."""

from enum import StrEnum

__all__ = ["OrderState"]


class OrderState(StrEnum):
    """``DRAFT`` is begun and not placed; ``UNKNOWN`` came with an import whose state nobody has mapped yet."""

    DRAFT = "draft"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    PROCESSING = "processing"
    ON_HOLD = "on_hold"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    REFUNDED = "refunded"
    UNKNOWN = "unknown"
