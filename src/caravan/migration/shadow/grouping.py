"""Groups differences by their cause, each group with its smallest pair of answers."""

from collections.abc import Iterable
from dataclasses import dataclass

from caravan.migration.shadow.causes import cause_of
from caravan.migration.shadow.triple import Example

__all__ = ["Group", "grouped"]


@dataclass(frozen=True, slots=True)
class Group:
    """``members`` are (route, path); ``example`` is the smallest pair of them all."""

    cause: str
    kind: str
    members: tuple[tuple[str, str], ...]
    example: Example


def grouped(examples: Iterable[Example]) -> list[Group]:
    """Group by kind and cause, and by the field's own name where the cause alone says little; the largest groups first."""
    groups: dict[tuple[str, str, str], list[Example]] = {}
    for example in examples:
        cause, speaks = cause_of(example.difference)
        field = "" if speaks else example.difference.path.rpartition(".")[2]
        groups.setdefault((example.difference.kind.value, cause, field), []).append(example)
    made = [_group(key, members) for key, members in groups.items()]
    return sorted(made, key=lambda group: (-len(group.members), group.cause, group.members))


def _group(key: tuple[str, str, str], examples: list[Example]) -> Group:
    kind, cause, field = key
    members = sorted({(example.route, example.difference.path) for example in examples})
    smallest = min(examples, key=lambda example: (example.size, example.route, example.difference.path))
    return Group(f"{field}: {cause}" if field else cause, kind, tuple(members), smallest)
