"""The mapping of the campaign's shop: customers, and orders that refer to them."""

from caravan.migration.mapping.codecs import Flag, ForeignKey, Money, Text
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.fields import Field, Main

customer = Entity(
    "customer",
    Main(
        "crash_customers",
        (Field("code", "code", Text()), Field("name", "name", Text()), Field("note", "note", Text())),
        client=False,
        key=("id",),
        extra=False,
    ),
)

order = Entity(
    "order",
    Main(
        "crash_orders",
        (
            Field("customer_id", "customer_id", ForeignKey("customer", "crash_customers")),
            Field("code", "code", Text()),
            Field("total", "total", Money(written="text")),
            Field("paid", "paid", Flag()),
        ),
        client=False,
        key=("id",),
        extra=False,
    ),
)
