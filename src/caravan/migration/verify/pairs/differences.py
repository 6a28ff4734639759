"""What differs between two sides: rows by key, and the fields of rows that both have."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from caravan.migration.verify.pairs.agreement import Agreement
from caravan.migration.verify.pairs.cells import readable, texts_of
from caravan.migration.verify.pairs.tables import Key, Prepared, Row

__all__ = [
    "FieldDifference",
    "RowDifference",
    "RowKind",
    "difference_of",
    "differing_keys",
    "explained",
    "in_order",
]

RowKind: TypeAlias = Literal["changed", "missing", "extra", "repeated"]
"""``missing`` on the right side, ``extra`` there; ``repeated``: so many rows with this key on one side and on the other."""

_HASH_DIGITS = 32
_FETCHED = 500


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """Both texts of one field; None is NULL."""

    column: str
    left: str | None
    right: str | None


@dataclass(frozen=True, slots=True)
class RowDifference:
    """One key. ``fields`` of a row that both sides have; of one that a side lacks there are none."""

    key: Key
    kind: RowKind
    fields: tuple[FieldDifference, ...] = ()
    left_rows: int = 1
    right_rows: int = 1


def differing_keys(agreement: Agreement, left: Sequence[str], right: Sequence[str], hashes: int) -> list[Key]:
    """Return the keys of lines that the sides do not share, in their order on the left, then the right.

    ``hashes`` is how many hashes a line begins with.
    """
    width = hashes * _HASH_DIGITS
    alone = _alone(left, right)
    keys = {line[width:]: None for line in alone}
    return [texts_of(agreement.key_columns, cells) for cells in keys]


def explained(
    agreement: Agreement, left: Prepared, right: Prepared, keys: Sequence[Key]
) -> Iterator[RowDifference]:
    """Read the rows with these keys and yield what differs; rows that are equal by now are not told."""
    for start in range(0, len(keys), _FETCHED):
        asked = keys[start : start + _FETCHED]
        found = left.rows(asked), right.rows(asked)
        for key in asked:
            difference = difference_of(agreement, key, found[0][key], found[1][key])
            if difference is not None:
                yield difference


def in_order(agreement: Agreement, found: Iterable[RowDifference]) -> list[RowDifference]:
    """Return differences in the order of their keys: numbers as numbers, all else by its text."""
    kinds = [column.kind for column in agreement.key_columns]

    def place(difference: RowDifference) -> list[tuple[Decimal, str]]:
        return [
            (Decimal(text), "")
            if kind in ("integer", "decimal") and text and not text.startswith("?")
            else (Decimal(0), text or "")
            for kind, text in zip(kinds, difference.key, strict=True)
        ]

    return sorted(found, key=place)


def _alone(left: Sequence[str], right: Sequence[str]) -> list[str]:
    """Return the lines that one side has more often than the other."""
    own, others = set(left), set(right)
    if len(own) == len(left) and len(others) == len(right):
        return [line for line in left if line not in others] + [line for line in right if line not in own]
    counts, other_counts = Counter(left), Counter(right)
    return list(counts - other_counts) + list(other_counts - counts)


def difference_of(
    agreement: Agreement, key: Key, left: Sequence[Row], right: Sequence[Row]
) -> RowDifference | None:
    """Return what the rows of one key differ in, None where they are equal."""
    if len(left) == len(right) == 1:
        fields = tuple(
            FieldDifference(column.name, readable(column.kind, one), readable(column.kind, other))
            for column, one, other in zip(agreement.columns, left[0], right[0], strict=True)
            if one != other
        )
        return RowDifference(key, "changed", fields) if fields else None
    if Counter(left) == Counter(right):
        return None
    if not right:
        return RowDifference(key, "missing", (), len(left), 0)
    if not left:
        return RowDifference(key, "extra", (), 0, len(right))
    return RowDifference(key, "repeated", (), len(left), len(right))
