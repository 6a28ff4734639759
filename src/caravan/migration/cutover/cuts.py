"""Ways to cut units apart that write the same table. Offers for people: each changes the application, none the engine."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Cut", "CutKind", "cuts_of"]

CutKind: TypeAlias = Literal["one unit", "ownership transfer", "outbox", "tenant cohort"]


@dataclass(frozen=True, slots=True)
class Cut:
    """One way: ``table`` is where it cuts, '' for all; ``said`` what to do, by name."""

    kind: CutKind
    table: str
    said: str


def cuts_of(
    shares: Mapping[str, Mapping[str, int]], operations: Mapping[str, Mapping[str, AbstractSet[str]]]
) -> Iterator[Cut]:
    """Yield the ways, the safest first. ``shares``: writing requests by table and unit; ``operations``: what they do there."""
    units = sorted({unit for by_unit in shares.values() for unit in by_unit})
    yield Cut(
        "one unit", "", f"declare {' and '.join(units)} as one unit: nothing in the application changes"
    )
    for table, by_unit in sorted(shares.items()):
        owner = max(sorted(by_unit), key=lambda unit: by_unit[unit])
        others = [unit for unit in sorted(by_unit) if unit != owner]
        told = ", ".join(f"{unit} {by_unit[unit]}" for unit in sorted(by_unit))
        yield Cut(
            "ownership transfer",
            table,
            f"{owner} owns {table} (writing requests: {told}); {' and '.join(others)} ask it over HTTP instead of writing",
        )
        appending = [unit for unit in others if operations[table][unit] == {"insert"}]
        if appending:
            yield Cut(
                "outbox",
                table,
                f"{' and '.join(appending)} only insert into {table}: let them write an outbox row, which {owner} applies",
            )
        yield Cut(
            "tenant cohort",
            table,
            f"if rows of {table} belong to one tenant each, switch {' and '.join(units)} together, tenant by tenant",
        )
