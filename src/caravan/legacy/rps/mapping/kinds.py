"""Fields as RPS uses them: its naming rule, and what a bad value of each kind does."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from caravan.migration.mapping.codecs import (
    CountFlag,
    Currency,
    Date,
    Flag,
    Integer,
    Json,
    JsonList,
    KeyText,
    Money,
    ReferenceTo,
    Text,
)
from caravan.migration.mapping.fields import Field

__all__ = [
    "UNDATED",
    "camel",
    "count",
    "created",
    "currency",
    "date",
    "flag",
    "json",
    "json_list",
    "key_text",
    "money",
    "number",
    "quantity",
    "reference",
    "text",
]

UNDATED: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The creation time of a record that has none: told apart at sight, and the same in every load."""


def camel(column: str) -> str:
    """Return the field name RPS gives a column: ``order_number`` is ``orderNumber``."""
    first, *rest = column.split("_")
    return first + "".join(word.capitalize() for word in rest)


def text(column: str, source: str = "", *, required: bool = False, note: str = "") -> Field:
    return Field(source or camel(column), column, Text(), "empty", required=required, note=note)


def money(column: str, source: str = "", *, note: str = "") -> Field:
    """Return an amount: what is no number sends its record to quarantine."""
    return Field(source or camel(column), column, Money(), note=note)


def quantity(column: str, source: str = "") -> Field:
    """Return a quantity of a line; absent is 0, as RPS's own default was."""
    return Field(source or camel(column), column, Money(), default=Decimal(0))


def date(column: str, source: str = "", *, note: str = "") -> Field:
    return Field(source or camel(column), column, Date(), "empty", note=note)


def created(column: str = "created_at") -> Field:
    return Field("createdAt", column, Date(), "empty", default=UNDATED, note="absent: 1970-01-01T00:00:00Z")


def flag(column: str, source: str = "") -> Field:
    return Field(source or camel(column), column, Flag(), "empty")


def count(column: str) -> Field:
    return Field(camel(column), column, CountFlag(), "empty")


def number(column: str) -> Field:
    return Field(camel(column), column, Integer(), "empty")


def json(column: str, source: str = "") -> Field:
    return Field(source or camel(column), column, Json(), "empty")


def json_list(column: str, source: str = "") -> Field:
    return Field(source or camel(column), column, JsonList(), "empty")


def key_text(column: str, source: str = "", *, note: str = "") -> Field:
    return Field(source or camel(column), column, KeyText(), "empty", note=note)


def reference(column: str, source: str, entity: str, table: str) -> Field:
    """Return a reference; RPS's own are DBRefs, and its collections are named as our tables are."""
    return Field(
        source,
        column,
        ReferenceTo(entity, table, dbref=table),
        "empty",
        note="NULL and a finding when it points nowhere; written back as a DBRef",
    )


def currency() -> Field:
    return Field("currency", "currency", Currency(), default="USD", note="absent: USD, RPS's own default")
