"""From two descriptions of a table to what is compared with what; what cannot be compared is refused, never made into text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from caravan.migration.verify.errors import NotComparableError
from caravan.migration.verify.pairs.kinds import Agreed, Kind, StoredColumn

__all__ = ["Agreement", "Described", "agree"]

_PAIRS: Final[Mapping[frozenset[str], Kind]] = {
    frozenset({"integer", "boolean"}): "boolean",
    frozenset({"integer", "decimal"}): "decimal",
    frozenset({"uuid", "text"}): "uuid",
    frozenset({"uuid", "bytes"}): "uuid",
    frozenset({"instant", "moment"}): "instant",
    frozenset({"json", "text"}): "json",
}
"""Kinds of two stores that are one: TINYINT(1) and boolean, CHAR(36) or BINARY(16) and uuid, DATETIME and timestamptz, …"""

_KEYS: Final = frozenset({"integer", "uuid", "date", "text", "bytes", "decimal"})
"""Kinds whose ranges mean the same keys on both sides, where both sides sort them alike."""


@dataclass(frozen=True, slots=True)
class Described:
    """A table as its store describes it; ``key`` is empty where nothing tells its rows apart."""

    name: str
    columns: tuple[StoredColumn, ...]
    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Agreement:
    """What is compared. The key's columns come first.

    ``ranged``: chunks are ranges of the key; otherwise buckets of its hash. ``unread`` names columns of one side alone.
    """

    columns: tuple[Agreed, ...]
    key: tuple[str, ...]
    ranged: bool
    unread: tuple[str, ...] = ()

    @property
    def key_columns(self) -> tuple[Agreed, ...]:
        return self.columns[: len(self.key)]


def agree(
    left: Described,
    right: Described,
    *,
    key: Sequence[str] = (),
    columns: Sequence[str] = (),
    zone: str = "UTC",
) -> Agreement:
    """Return how two tables are compared, columns paired by name without regard to letter case.

    ``key`` and ``columns`` are those asked for; else the left side's key, the right side's, or all columns, and every column.

    Raises:
        NotComparableError: a column is of a type that is not known, or of types that do not go together; nothing is in common.
    """
    others = {column.name.lower(): column for column in right.columns}
    own = {column.name.lower(): column for column in left.columns}
    wanted = _wanted(columns, own, others, (left.name, right.name))
    unread = tuple(sorted((own.keys() ^ others.keys()) if not columns else ()))
    if not wanted:
        raise NotComparableError(f"{left.name} and {right.name} have no column in common")
    told = [name.lower() for name in (key or left.key or right.key or wanted)]
    missing = [name for name in told if name not in wanted]
    if missing:
        raise NotComparableError(
            f"the key of {left.name} and {right.name} is {', '.join(told)}, and {missing[0]} is not on both sides"
        )
    order = [*told, *(name for name in wanted if name not in told)]
    agreed = tuple(_agreed(own[name], others[name], zone, (left.name, right.name)) for name in order)
    keyed = agreed[: len(told)]
    return Agreement(
        agreed, tuple(told), bool(key or left.key or right.key) and all(map(_ranged, keyed)), unread
    )


def _wanted(
    columns: Sequence[str],
    own: Mapping[str, StoredColumn],
    others: Mapping[str, StoredColumn],
    names: tuple[str, str],
) -> list[str]:
    if not columns:
        return [name for name in own if name in others]
    for name in columns:
        for table, there in zip(names, (own, others), strict=True):
            if name.lower() not in there:
                raise NotComparableError(f"{table} has no column {name}; it has {', '.join(there)}")
    return [name.lower() for name in columns]


def _agreed(left: StoredColumn, right: StoredColumn, zone: str, names: tuple[str, str]) -> Agreed:
    kind = _kind(left, right)
    if kind is None:
        raise NotComparableError(
            f"column {left.name}: {left.declared} of {names[0]} and {right.declared} of {names[1]} cannot be compared;"
            " leave the column out, or compare through a view that gives both sides one known type"
        )
    return Agreed(left.name, kind, left, right, _scale(kind, left, right), zone)


def _kind(left: StoredColumn, right: StoredColumn) -> Kind | None:
    if "unknown" in (left.kind, right.kind):
        return None
    if left.kind == "any":
        return "text" if right.kind == "any" else _known(right.kind)
    if right.kind in ("any", left.kind):
        return _known(left.kind)
    return _PAIRS.get(frozenset({left.kind, right.kind}))


def _known(kind: str) -> Kind:
    return next(known for known in get_args(Kind) if known == kind)


def _scale(kind: Kind, left: StoredColumn, right: StoredColumn) -> int | None:
    """The larger scale: nothing is rounded away. None (no trailing zeros) where a side has as many digits as there are."""
    if kind != "decimal":
        return None
    scales = [0 if side.kind == "integer" else side.scale for side in (left, right) if side.kind != "any"]
    known = [scale for scale in scales if scale is not None]
    return max(known) if len(known) == len(scales) == len((left, right)) else None


def _ranged(column: Agreed) -> bool:
    return (
        column.kind in _KEYS
        and not column.nullable
        and column.left.ordered
        and column.right.ordered
        and {column.left.kind, column.right.kind} <= {column.kind, "any"}
    )
