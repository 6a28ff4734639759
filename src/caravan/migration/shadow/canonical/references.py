"""Ids keep their meaning: within a flow, one id of the old side is one id of the new side, and the other way round.

At a contradiction of either side both maps are begun anew. So from one contradiction to the next a flow is one fair coin when
new is another copy of old: exchanging B's whole history of that time with N's turns the coin's side and nothing else.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from caravan.migration.shadow.documents import Document, write_json

__all__ = ["Flows", "IdPair"]

MOST_FLOWS: Final = 100
MOST_IDS: Final = 200
"""Beyond these a flow forgets, on both sides at once: what one side remembers alone would load the coin."""

IdPair = tuple[str, Document, Document]
"""Normalised path, id on the old side, id on the other."""


@dataclass(slots=True)
class _Map:
    """Which id stands for which, both ways."""

    forth: dict[str, str] = field(default_factory=dict)
    back: dict[str, str] = field(default_factory=dict)

    def contradicted(self, old: str, new: str) -> str | None:
        """Return what was expected instead, None when the pair agrees; a pair that is new is remembered."""
        if self.forth.get(old, new) != new:
            return self.forth[old]
        if self.back.get(new, old) != old:
            return f"not {new}, which is {self.back[new]}"
        self.forth[old], self.back[new] = new, old
        return None


@dataclass(slots=True)
class _Flow:
    again: _Map = field(default_factory=_Map)
    new: _Map = field(default_factory=_Map)


def _contradictions(pairs: Iterable[IdPair], known: _Map) -> dict[str, tuple[str, str]]:
    """Return by path the first pair that contradicts what is known: (expected, found)."""
    found: dict[str, tuple[str, str]] = {}
    for path, old, new in pairs:
        there = write_json(new)
        expected = known.contradicted(write_json(old), there)
        if expected is not None:
            found.setdefault(path, (expected, there))
    return found


@dataclass(slots=True)
class Flows:
    """The maps of the flows seen last; an exchange without a client is a flow of its own."""

    _flows: "OrderedDict[str, _Flow]" = field(default_factory=OrderedDict)

    def take(
        self, client: str, again: Iterable[IdPair], new: Iterable[IdPair]
    ) -> tuple[dict[str, tuple[str, str]], dict[str, tuple[str, str]]]:
        """Return the contradictions of B and of N by path: (expected, found)."""
        flow = self._flow(client)
        found = _contradictions(again, flow.again), _contradictions(new, flow.new)
        if any(found) or max(len(flow.again.forth), len(flow.new.forth)) > MOST_IDS:
            flow.again, flow.new = _Map(), _Map()
        return found

    def _flow(self, client: str) -> _Flow:
        if not client:
            return _Flow()
        flow = self._flows.setdefault(client, _Flow())
        self._flows.move_to_end(client)
        if len(self._flows) > MOST_FLOWS:
            self._flows.popitem(last=False)
        return flow

    def to_json(self) -> list[Any]:
        return [[client, flow.again.forth, flow.new.forth] for client, flow in self._flows.items()]

    @classmethod
    def from_json(cls, given: list[Any]) -> "Flows":
        flows = cls()
        for client, again, new in given:
            flows._flows[client] = _Flow(_map(again), _map(new))
        return flows


def _map(forth: dict[str, str]) -> _Map:
    return _Map(dict(forth), {new: old for old, new in forth.items()})
