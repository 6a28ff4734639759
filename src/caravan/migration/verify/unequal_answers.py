"""Two answers held against each other: rows whatever their order, numbers within a tolerance."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

from caravan.migration.verify.answers import Answer

__all__ = ["unequal"]

_Row: TypeAlias = tuple[str | None, ...]
_MOST_MATCHED: Final = 2_000
"""Rows of each side that are matched within a tolerance; where more differ, they differ."""


def unequal(left: Answer, right: Answer, tolerance: Decimal) -> tuple[list[_Row], list[_Row]]:
    """Return the rows that each side alone has, sorted."""
    counts, others = Counter(left), Counter(right)
    only_left, only_right = _sorted(counts - others), _sorted(others - counts)
    if tolerance and len(only_left) <= _MOST_MATCHED and len(only_right) <= _MOST_MATCHED:
        return _without_close(only_left, only_right, tolerance)
    return only_left, only_right


def _sorted(rows: Counter[_Row]) -> list[_Row]:
    return sorted(rows.elements(), key=lambda row: [text or "" for text in row])


def _without_close(
    left: Sequence[_Row], right: Sequence[_Row], tolerance: Decimal
) -> tuple[list[_Row], list[_Row]]:
    rest, other = [], list(right)
    for row in left:
        close = next((one for one in other if _is_close(row, one, tolerance)), None)
        if close is None:
            rest.append(row)
        else:
            other.remove(close)
    return rest, other


def _is_close(one: _Row, other: _Row, tolerance: Decimal) -> bool:
    return len(one) == len(other) and all(
        left == right or _differ_little(left, right, tolerance)
        for left, right in zip(one, other, strict=True)
    )


def _differ_little(left: str | None, right: str | None, tolerance: Decimal) -> bool:
    if left is None or right is None:
        return False
    try:
        return abs(Decimal(left) - Decimal(right)) <= tolerance
    except InvalidOperation:
        return False
