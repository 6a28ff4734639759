"""What guards read of the conductor: figures of the shadow and decisions of stages, written when they say something new."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from caravan.migration.canary import Decision
from caravan.migration.shadow import RouteVerdict, figures_of
from caravan.migration.units import Scope, append, record_measurement

__all__ = ["BY", "Figures", "shadow_figures", "verdict_document"]

BY: Final = "conductor"
_EVERY: Final = timedelta(seconds=2)
_KEPT: Final = timedelta(hours=1)
_MOST_UNSEEN: Final = 50
_CLEAN_EVERY: Final = timedelta(minutes=1)
_THIN_OUT: Final = """
DELETE FROM engine.unit_measurements AS old
WHERE org_id = %(org)s AND migration = %(migration)s AND kind IN ('shadow', 'canary') AND measured_at < %(before)s
    AND figures ->> 'by' = 'conductor' AND EXISTS (
        SELECT FROM engine.unit_measurements AS new WHERE new.org_id = old.org_id AND new.migration = old.migration
            AND new.unit = old.unit AND new.kind = old.kind AND new.measured_at > old.measured_at)
"""


@dataclass(slots=True)
class _Written:
    at: datetime
    figures: Mapping[str, Any]


class Figures:
    """Writes measurements, at most one of a kind and unit every two seconds, unless what they say has changed."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._written: dict[tuple[str, str], _Written] = {}
        self._said: dict[str, tuple[str, str, int]] = {}
        self._cleaned: datetime | None = None

    def shadow(
        self, connection: psycopg.Connection, unit: str, figures: Mapping[str, Any], at: datetime
    ) -> None:
        """Write what the judge of a unit found."""
        self._write(connection, unit, "shadow", {**figures, "by": BY}, at, urgent=False)

    def canary(self, connection: psycopg.Connection, unit: str, decision: Decision) -> None:
        """Write a decision; the journal has it when action or the number of reasons changes."""
        figures = {**decision.to_json(), "by": BY}
        said = (decision.stage, decision.action.value, len(decision.reasons))
        news = self._said.get(unit) != said
        self._write(connection, unit, "canary", figures, decision.at, urgent=news)
        if news:
            self._said[unit] = said
            with connection.transaction(), connection.cursor() as cursor:
                facts = {"said": f"{decision.stage}: {decision.action.value}", "figures": figures}
                append(cursor, self._scope, at=decision.at, phase="decision", by=BY, facts=facts, unit=unit)

    def clean(self, connection: psycopg.Connection, now: datetime) -> None:
        """Take out measurements of more than an hour ago, but the last of each kind."""
        if self._cleaned is None or now - self._cleaned >= _CLEAN_EVERY:
            self._cleaned = now
            connection.execute(_THIN_OUT.encode(), {**self._scope.parameters, "before": now - _KEPT})

    def _write(
        self,
        connection: psycopg.Connection,
        unit: str,
        kind: str,
        figures: Mapping[str, Any],
        at: datetime,
        *,
        urgent: bool,
    ) -> None:
        before = self._written.get((unit, kind))
        if before is not None and not urgent:
            quiet = _KEPT / 4 if before.figures == figures else _EVERY
            if at - before.at < quiet:
                return
        record_measurement(connection, self._scope, unit, kind, figures, at=at)
        self._written[unit, kind] = _Written(at, figures)


def shadow_figures(found: list[RouteVerdict]) -> dict[str, Any]:
    """Return the figures that the guard ``shadow`` reads, with what the evidence has not seen of the contract, in words."""
    return {**figures_of(found), "unseen": [one for each in found for one in _unseen(each)][:_MOST_UNSEEN]}


def _unseen(verdict: RouteVerdict) -> Iterator[str]:
    coverage = verdict.coverage
    for what, names in (
        ("parameter", coverage.unseen_parameters),
        ("status", coverage.unseen_statuses),
        ("role", coverage.unseen_roles),
    ):
        for name in names:
            yield f"{verdict.route} {what} {name}"


def verdict_document(found: list[RouteVerdict]) -> dict[str, Any]:
    """Return the verdicts by route, as an overview shows them."""
    return {
        each.route: {
            "verdict": each.verdict.value,
            "statement": each.statement,
            "coverage": asdict(each.coverage),
            "weakened": each.weakened,
            "masked": each.blind_spot.masked,
            "leaves": each.blind_spot.leaves,
        }
        for each in found
    }
