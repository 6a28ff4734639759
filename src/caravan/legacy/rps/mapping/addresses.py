"""Addresses, embedded in orders and customers."""

from typing import Final, Literal

from caravan.legacy.rps.mapping.kinds import text
from caravan.migration.mapping.codecs import Choice
from caravan.migration.mapping.fields import Child, Field

__all__ = ["customer_addresses", "order_address"]

_FIELDS: Final = tuple(
    text(column)
    for column in ("name", "company", "line1", "line2", "city", "region", "postal_code", "country", "phone")
)
_KINDS: Final = Choice(
    (("billing", "billing"), ("shipping", "shipping")), otherwise="billing", kind="address.unknown_kind"
)


def order_address(source: str, kind: Literal["billing", "shipping"]) -> Child:
    """Return an order's address; its key is (order, kind)."""
    return Child(
        table="addresses",
        entity="order_address",
        source=source,
        parent="order_id",
        shape="one",
        discriminator=kind,
        inherited=("created_at",),
        constants=(("kind", kind),),
        on_bad="empty",
        fields=_FIELDS,
    )


def customer_addresses() -> Child:
    """Return the list of a customer's addresses."""
    return Child(
        table="addresses",
        entity="customer_address",
        source="addresses",
        parent="customer_id",
        inherited=("created_at",),
        on_bad="empty",
        fields=(Field("kind", "kind", _KINDS, "empty", default="billing", note="absent: billing"), *_FIELDS),
    )
