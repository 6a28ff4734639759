"""Differences while both sides are written to: looked at again in newer snapshots until they are gone, or stay as they are.

The two snapshots of one generation are not of one moment, so a row may differ because its change is on its way. A difference is
believed when both sides have kept their rows for longer than a change may take; a row that never stays is not judged.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, TypeAlias

from caravan.migration.verify.pairs.agreement import Agreement
from caravan.migration.verify.pairs.differences import RowDifference, difference_of, in_order
from caravan.migration.verify.pairs.tables import Key, Prepared, Row

__all__ = ["OpenBoth", "Patience", "Settled", "settled"]

OpenBoth: TypeAlias = Callable[[], AbstractContextManager[tuple[Prepared, Prepared]]]
"""Takes new snapshots of both sides."""

_FETCHED: Final = 500


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: ``bound`` is how long a change may take, ``most`` how long all is waited for, ``pause`` between generations."""

    bound: float = 5.0
    most: float = 60.0
    pause: float = 0.5


@dataclass(frozen=True, slots=True)
class Settled:
    """``differences`` stayed; ``not_judged`` keys were still changing; ``gone`` are equal by now."""

    differences: list[RowDifference]
    not_judged: list[Key]
    gone: int
    generations: int


@dataclass(slots=True)
class _Seen:
    rows: tuple[Sequence[Row], Sequence[Row]]
    since: float


def settled(
    agreement: Agreement,
    keys: Sequence[Key],
    open_both: OpenBoth,
    patience: Patience,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Settled:
    """Look at these keys again until each has settled, or patience ends."""
    began = clock()
    waiting: dict[Key, _Seen | None] = dict.fromkeys(keys)
    found: list[RowDifference] = []
    generations = gone = 0
    while waiting and (generations < 2 or clock() - began < patience.most):  # noqa: PLR2004 - seen once says nothing
        if generations:
            sleep(patience.pause)
        generations += 1
        with open_both() as (left, right):
            for key, rows in _read(list(waiting), left, right):
                difference = difference_of(agreement, key, *rows)
                seen = waiting[key]
                if difference is None:
                    gone += 1
                    del waiting[key]
                elif seen is None or seen.rows != rows:
                    waiting[key] = _Seen(rows, clock())
                elif clock() - seen.since >= patience.bound:
                    found.append(difference)
                    del waiting[key]
    return Settled(in_order(agreement, found), list(waiting), gone, generations)


def _read(
    keys: Sequence[Key], left: Prepared, right: Prepared
) -> Iterator[tuple[Key, tuple[Sequence[Row], Sequence[Row]]]]:
    for start in range(0, len(keys), _FETCHED):
        asked = keys[start : start + _FETCHED]
        own, others = left.rows(asked), right.rows(asked)
        for key in asked:
            yield key, (own[key], others[key])
