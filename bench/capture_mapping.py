"""The mapping of ``bench.capture``: one table of eight columns into one of ours."""

from typing import Final

from caravan.migration.mapping.codecs import BigInteger, Date, Exact, Flag, Integer, Text
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.fields import Field, Main

__all__ = ["TARGET_TABLE", "order"]

TARGET_TABLE: Final = """
CREATE TABLE bench_orders (org_id uuid NOT NULL, id uuid NOT NULL, number bigint NOT NULL UNIQUE, customer integer NOT NULL,
    name text NOT NULL, note text, total numeric(18,4) NOT NULL, paid boolean NOT NULL, placed timestamptz NOT NULL,
    written timestamptz NOT NULL, PRIMARY KEY (org_id, id))
"""

order: Final = Entity(
    "order",
    Main(
        "bench_orders",
        (
            Field("id", "number", BigInteger()),
            Field("customer", "customer", Integer()),
            Field("name", "name", Text()),
            Field("note", "note", Text()),
            Field("total", "total", Exact(4)),
            Field("paid", "paid", Flag()),
            Field("placed", "placed", Date()),
            Field("written", "written", Date()),
        ),
        client=False,
        key=("id",),
        extra=False,
    ),
)
