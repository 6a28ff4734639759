"""What two columns are compared as: a kind that both stores' types have, and how exactly."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Agreed", "Kind", "StoredColumn"]

Kind: TypeAlias = Literal[
    "integer",
    "decimal",
    "float",
    "boolean",
    "text",
    "bytes",
    "uuid",
    "instant",
    "moment",
    "date",
    "time",
    "json",
]
"""``instant`` is a point in time, ``moment`` a date and time without a zone."""


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column as its store declares it, and the kind that follows.

    ``any`` where values have types of their own (SQLite), ``unknown`` where the type has no encoding. ``scale``: digits behind the point of an exact number, None where as many as there are. ``digits``: of a fraction of a
    second. ``ordered``: the store sorts the column as its bytes, or its numbers, are sorted everywhere. ``recoded``: its text is
    in another character set than UTF-8.
    """

    name: str
    declared: str
    kind: Kind | Literal["any", "unknown"]
    nullable: bool = True
    scale: int | None = None
    digits: int = 6
    ordered: bool = False
    recoded: bool = False


@dataclass(frozen=True, slots=True)
class Agreed:
    """One column of the comparison: both sides' columns, and what they are compared as.

    ``nullable`` where either side may hold NULL. ``zone`` is that of a side's moments which are compared as instants.
    """

    name: str
    kind: Kind
    left: StoredColumn
    right: StoredColumn
    scale: int | None = None
    zone: str = "UTC"

    @property
    def nullable(self) -> bool:
        return self.left.nullable or self.right.nullable

    def of(self, side: Literal["left", "right"]) -> StoredColumn:
        """Return one side's column."""
        return self.left if side == "left" else self.right
