"""Customers and their addresses."""

from typing import Final

from caravan.legacy.rps.mapping import kinds
from caravan.legacy.rps.mapping.addresses import customer_addresses
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.fields import Main, Side

__all__ = ["customers"]

customers: Final = Entity(
    entity="customer",
    main=Main(
        table="customers",
        fields=(
            kinds.created(),
            kinds.text("first_name"),
            kinds.text("last_name"),
            kinds.text("email", note="not unique"),
            kinds.text("phone"),
            kinds.date("deleted_at"),
        ),
    ),
    sides=(
        Side(
            table="legacy_rps.customers",
            fields=(kinds.text("doctrine_class", "_doctrine_class_name"), kinds.date("modified_at")),
        ),
    ),
    children=(customer_addresses(),),
)
