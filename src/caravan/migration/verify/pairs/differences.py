"""What differs between two sides: rows by key, and the fields of rows that both have."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Self, TypeAlias

from caravan.migration.verify.pairs.agreement import Agreement
from caravan.migration.verify.pairs.cells import readable, texts_of
from caravan.migration.verify.pairs.tables import Key, Prepared, Row

__all__ = [
    "FieldDifference",
    "Found",
    "RowDifference",
    "RowKind",
    "difference_of",
    "explained",
    "found_in",
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


@dataclass(slots=True)
class Found:
    """Differences of some chunks: ``rows`` in full, and how many more of each kind there are ``beyond`` them."""

    rows: list[RowDifference] = field(default_factory=list)
    beyond: "Counter[str]" = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.rows) + self.beyond.total()

    def __iadd__(self, other: "Found") -> Self:
        self.rows += other.rows
        self.beyond += other.beyond
        return self


def found_in(
    agreement: Agreement,
    sides: tuple[Prepared, Prepared],
    lines: tuple[Sequence[str], Sequence[str]],
    room: int,
) -> Found:
    """Return what differs between listed chunks: of the first ``room`` keys the rows are read, the others are counted."""
    width = sides[0].hashes * _HASH_DIGITS
    left, right = ({line[width:] for line in alone} for alone in _alone(*lines))
    cells = sorted(left | right)
    keys = [texts_of(agreement.key_columns, one) for one in cells[:room]]
    beyond = Counter(
        "changed" if one in left and one in right else "missing" if one in left else "extra"
        for one in cells[room:]
    )
    return Found(in_order(agreement, explained(agreement, *sides, keys)), beyond)


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
            if kind in ("integer", "decimal") and text and text.lstrip("-")[:1].isdigit()
            else (Decimal(0), text or "")
            for kind, text in zip(kinds, difference.key, strict=True)
        ]

    return sorted(found, key=place)


def _alone(left: Sequence[str], right: Sequence[str]) -> tuple[Collection[str], Collection[str]]:
    """Return for each side the lines that it has more often than the other."""
    own, others = set(left), set(right)
    if len(own) == len(left) and len(others) == len(right):
        return own - others, others - own
    counts, other_counts = Counter(left), Counter(right)
    return counts - other_counts, other_counts - counts


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
