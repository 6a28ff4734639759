"""Learns from the old side against itself which values are never the same twice, and what may still be said of them."""

from dataclasses import dataclass, field
from typing import Any, Final

from caravan.migration.shadow.canonical.kinds import (
    LEARNABLE,
    Canonicaliser,
    canonicaliser_from_json,
    canonicaliser_to_json,
)
from caravan.migration.shadow.documents import Document, write_json

__all__ = ["PAIRS_NEEDED", "Learner"]

PAIRS_NEEDED: Final = 5
"""Pairs of differing values before a kind is taken."""

ORDERS_NEEDED: Final = 3
"""Differing orders before an array counts as a set."""

_PATHS: Final = 5_000


_REMEMBERED: Final = 50


@dataclass(slots=True)
class _Path:
    """``names`` holds old values with their counterparts, the first so many; ``steady``: none ever had two."""

    candidates: list[Canonicaliser]
    pairs: int = 0
    names: dict[str, str] = field(default_factory=dict)
    steady: bool = True

    def see(self, old: str, again: str) -> None:
        self.pairs += 1
        if self.names.get(old, again) != again:
            self.steady = False
        elif len(self.names) < _REMEMBERED and self.steady:
            self.steady = old in self.names or again not in self.names.values()
            self.names[old] = again

    def chosen(self) -> Canonicaliser | None:
        """The first kind that fits. One that refers needs values that name something: many, each with one counterpart.

        Otherwise a field that shows one of a few words or ids at random would count as a token, and any other word be as good.
        """
        naming = self.steady and len(self.names) >= PAIRS_NEEDED
        fitting = (each for each in self.candidates if naming or not each.refers)
        return next(fitting, None) if self.pairs >= PAIRS_NEEDED else None


@dataclass(slots=True)
class Learner:
    """What one route's old answers taught. ``observe`` and ``observe_order`` are fed from A against B, never from N.

    What is learnt from a request is used from the next one on, so that B and N are always held to the same rules.
    """

    _values: dict[str, _Path] = field(default_factory=dict)
    _orders: dict[str, tuple[int, str | None]] = field(default_factory=dict)

    def observe(self, path: str, old: Document, again: Document) -> None:
        """Take two values of the old side that differ."""
        known = self._values.get(path)
        if known is None:
            if len(self._values) >= _PATHS:
                return
            started = (kind.of(old, again) for kind in LEARNABLE)
            known = self._values[path] = _Path([each for each in started if each is not None])
        else:
            widened = (each.widened(old, again) for each in known.candidates)
            known.candidates = [each for each in widened if each is not None]
        known.see(write_json(old), write_json(again))

    def observe_order(self, path: str, key: str | None) -> None:
        """Take an array whose elements came in another order, matched by the member ``key`` (None: by themselves)."""
        times, known = self._orders.get(path, (0, key))
        if len(self._orders) < _PATHS or path in self._orders:
            self._orders[path] = (times + 1, known if known == key else None)

    def values(self) -> dict[str, Canonicaliser]:
        """The kind of each path that has one by now."""
        chosen = {path: known.chosen() for path, known in self._values.items()}
        return {path: kind for path, kind in chosen.items() if kind is not None}

    def sets(self) -> dict[str, str | None]:
        """The arrays that count as sets, with the member that names an element."""
        return {path: key for path, (times, key) in self._orders.items() if times >= ORDERS_NEEDED}

    def to_json(self) -> dict[str, Any]:
        return {
            "values": {
                path: {
                    "candidates": [canonicaliser_to_json(each) for each in known.candidates],
                    "pairs": known.pairs,
                    "names": known.names,
                    "steady": known.steady,
                }
                for path, known in self._values.items()
            },
            "orders": {path: [times, key] for path, (times, key) in self._orders.items()},
        }

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Learner":
        return cls(
            {
                path: _Path(
                    [canonicaliser_from_json(each) for each in known["candidates"]],
                    known["pairs"],
                    dict(known["names"]),
                    known["steady"],
                )
                for path, known in given["values"].items()
            },
            {path: (times, key) for path, (times, key) in given["orders"].items()},
        )
