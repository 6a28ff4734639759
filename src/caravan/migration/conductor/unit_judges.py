"""One judge per unit, and one for routes of no unit; their masks follow what is accepted."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

import structlog

from caravan.migration.config import MigrationConfig
from caravan.migration.recording.redaction import missing_from
from caravan.migration.shadow import (
    Contract,
    Judge,
    Mask,
    MaskRefusedError,
    RouteVerdict,
    judge_settings,
    verdict_of,
)
from caravan.migration.units import Accepted

__all__ = ["NO_UNIT", "UnitJudges"]

log = structlog.get_logger(__name__)

NO_UNIT: Final = ""


class UnitJudges:
    """Judges by unit; ``changed`` names those that took something since they were last saved."""

    def __init__(self, config: MigrationConfig, contracts: Mapping[str, Contract] | None = None) -> None:
        self._config = config
        self._settings = judge_settings(config, contracts)
        self._judges: dict[str, Judge] = {}
        self._refused: dict[tuple[str, str, str, str], tuple[int, str]] = {}
        self.changed: set[str] = set()

    @property
    def units(self) -> tuple[str, ...]:
        """Units that have a judge by now."""
        return tuple(self._judges)

    def of(self, unit: str | None) -> Judge:
        """Return the judge of a unit, made at its first exchange."""
        name = unit or NO_UNIT
        if name not in self._judges:
            self._judges[name] = Judge(self._settings)
        return self._judges[name]

    def restore(self, unit: str, document: dict[str, Any]) -> None:
        """Go on with a judge as it was saved; examples that were saved without their secrets give way to the next ones."""
        judge = Judge.from_json(document, self._settings)
        for state in judge.routes.values():
            state.to_renew = {
                spot for spot, example in state.examples.items() if missing_from(example.request)
            }
        self._judges[unit] = judge

    def begin_anew(self, unit: str) -> None:
        """Forget all evidence of a unit, for a new side that was mended; what was learnt of the old one goes with it."""
        self._judges[unit] = Judge(self._settings)
        self.changed.add(unit)

    def accept(self, accepted: Iterable[Accepted], today: date) -> None:
        """Put what is accepted into force, and out of force what no longer is. A mask that is refused hides nothing."""
        wanted = list(accepted)
        known = {_key(one) for one in wanted}
        self._refused = {key: found for key, found in self._refused.items() if key in known}
        for unit, judge in self._judges.items():
            mine = {
                one for one in wanted if self._unit_of(one.route) == unit and not self._is_refused(judge, one)
            }
            if {_key(one) for one in mine} == {_mask_key(mask) for mask in judge.masks}:
                continue
            judge.masks = type(judge.masks)()
            for one in mine:
                self._mask(judge, one, today)
            self.changed.add(unit)

    def not_in_force(self) -> Iterator[tuple[str, str, str]]:
        """Yield route, path and reason of what is accepted and would hide too much after all: it is compared."""
        for (route, path, _, _), (_, reason) in self._refused.items():
            yield route, path, reason

    def verdicts(self, unit: str, today: date) -> list[RouteVerdict]:
        """Return the verdict of each route of the file in this unit, also of those that nobody asked for."""
        judge = self.of(unit)
        return [verdict_of(judge, name, today) for name in self._routes(unit)]

    def _routes(self, unit: str) -> list[str]:
        return [
            f"{method} {route.template}"
            for route in self._config.routes
            if (route.unit or NO_UNIT) == unit and route.effect == "read"
            for method in route.methods
        ]

    def _unit_of(self, name: str) -> str:
        for route in self._config.routes:
            if name in (f"{method} {route.template}" for method in route.methods):
                return route.unit or NO_UNIT
        return NO_UNIT

    def _is_refused(self, judge: Judge, one: Accepted) -> bool:
        """Whether it was refused, and the route has shown no new leaves since."""
        return self._refused.get(_key(one), (None, ""))[0] == _leaves(judge, one.route)

    def _mask(self, judge: Judge, one: Accepted, today: date) -> None:
        try:
            judge.accept(Mask.from_json(one.as_json()), today)
        except MaskRefusedError as error:
            if _key(one) not in self._refused:
                log.warning("conductor.mask_refused", route=one.route, path=one.path, problem=error.message)
            self._refused[_key(one)] = _leaves(judge, one.route), error.message


def _leaves(judge: Judge, route: str) -> int:
    state = judge.routes.get(route)
    return len(state.leaves) if state else 0


def _key(one: Accepted) -> tuple[str, str, str, str]:
    return one.route, one.path, one.kind, one.until.isoformat()


def _mask_key(mask: Mask) -> tuple[str, str, str, str]:
    return mask.route, mask.path, mask.kind.value, mask.until.isoformat()
