"""Differences by cause as rows: every place with its evidence, and the smallest pair that shows it."""

import hashlib
from typing import Any, Final

from caravan.migration.conductor.redacted_examples import RedactedExamples
from caravan.migration.shadow import Example, Group, Judge, Kind, MinimalPair, groups_of, minimal_pair

__all__ = ["DifferenceRows"]

_MOST_GROUPS: Final = 100
_MOST_MEMBERS: Final = 200
_SUSPICIOUS: Final = 2


class DifferenceRows:
    """Makes the rows of ``engine.difference_groups``; a pair is cut down once per example."""

    def __init__(self, redacted: RedactedExamples) -> None:
        self._redacted = redacted
        self._examples: dict[str, tuple[str, Example]] = {}
        self._pairs: dict[tuple[str, str, str], MinimalPair] = {}

    def example_of(self, identity: str) -> tuple[str, Example] | None:
        """Return unit and example of a row as it came by the tap, with what is secret in it."""
        return self._examples.get(identity)

    def of(self, unit: str, judge: Judge) -> list[dict[str, Any]]:
        """Return what is reported of a unit, and what is suspected on more than one request."""
        self._examples = {key: found for key, found in self._examples.items() if found[0] != unit}
        rows = [self._row(unit, judge, group) for group in groups_of(judge, reported_only=False)]
        kept = [row for row in rows if row["members"]]
        return sorted(kept, key=lambda row: not row["reported"])[:_MOST_GROUPS]

    def _row(self, unit: str, judge: Judge, group: Group) -> dict[str, Any]:
        members = []
        for route, path in group.members[:_MOST_MEMBERS]:
            state, spot = judge.routes[route], (path, Kind(group.kind))
            evidence, times = state.evidence.get(spot), state.unconfirmed.get(spot, 0)
            against, noise = (evidence.a, evidence.b) if evidence else (times, 0)
            reported = evidence is not None and evidence.reported
            if reported or (against > noise and against >= _SUSPICIOUS):
                members.append([route, path, against, noise, reported])
        identity = hashlib.sha256(f"{unit}\0{group.kind}\0{group.cause}".encode()).hexdigest()[:16]
        if members:
            self._examples[identity] = unit, group.example
        return {
            "id": identity,
            "unit": unit,
            "cause": group.cause,
            "kind": group.kind,
            "reported": any(member[4] for member in members),
            "members": members,
            "example": self._example(identity, group) if members else {},
        }

    def _example(self, identity: str, group: Group) -> dict[str, Any]:
        shown = self._redacted.of(group.example)
        key = identity, str(group.example.id), group.example.difference.path
        if key not in self._pairs:
            self._pairs = {old: pair for old, pair in self._pairs.items() if old[0] != identity}
            self._pairs[key] = minimal_pair(shown)
        pair = self._pairs[key]
        return {
            "request": f"{shown.request.method} {shown.request.target}",
            "id": str(shown.id),
            "at": shown.at.isoformat(),
            "path": shown.difference.path,
            "was": shown.difference.old,
            "is": shown.difference.new,
            "root": pair.root,
            "old": pair.old,
            "new": pair.new,
        }
