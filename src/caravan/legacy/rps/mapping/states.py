"""Their states and ours. RPS's own list is not public: these are what its data and systems like it use."""

from typing import Final

from caravan.migration.mapping.codecs import Choice
from caravan.migration.mapping.fields import Field

__all__ = ["AFFILIATE_STATES", "ORDER_STATES", "PRODUCT_STATES", "TRANSACTION_STATES", "state"]

UNKNOWN: Final = "unknown"

ORDER_STATES: Final = (
    ("partial", "draft"),
    ("draft", "draft"),
    ("new", "pending"),
    ("pending", "pending"),
    ("approved", "confirmed"),
    ("confirmed", "confirmed"),
    ("processing", "processing"),
    ("partially_shipped", "processing"),
    ("hold", "on_hold"),
    ("on_hold", "on_hold"),
    ("on-hold", "on_hold"),
    ("shipped", "shipped"),
    ("delivered", "delivered"),
    ("complete", "completed"),
    ("completed", "completed"),
    ("canceled", "cancelled"),
    ("cancelled", "cancelled"),
    ("void", "cancelled"),
    ("declined", "declined"),
    ("rejected", "declined"),
    ("refunded", "refunded"),
)

TRANSACTION_STATES: Final = (
    ("pending", "pending"),
    ("authorized", "authorized"),
    ("captured", "captured"),
    ("paid", "captured"),
    ("success", "captured"),
    ("completed", "captured"),
    ("declined", "declined"),
    ("hard_decline", "declined"),
    ("soft_decline", "declined"),
    ("error", "failed"),
    ("failed", "failed"),
    ("void", "voided"),
    ("voided", "voided"),
    ("refund", "refunded"),
    ("refunded", "refunded"),
    ("chargeback", "disputed"),
    ("disputed", "disputed"),
)

PRODUCT_STATES: Final = (
    ("active", "active"),
    ("in-active", "inactive"),
    ("inactive", "inactive"),
    ("out-of-stock", "out_of_stock"),
)

AFFILIATE_STATES: Final = (
    ("pending", "pending"),
    ("active", "active"),
    ("in-active", "suspended"),
    ("suspended", "suspended"),
    ("closed", "closed"),
)


def state(table: tuple[tuple[str, str], ...]) -> Field:
    """Return the field that turns their state into ours; a word outside the table is ``unknown``, and a finding."""
    return Field("state", "state", Choice(table, UNKNOWN), "empty", default=UNKNOWN, note="absent: unknown")
