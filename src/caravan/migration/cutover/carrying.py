"""Carries a cutover out: acts on stores and flows, and keeps an eye on how long clients wait.

Each act can be asked for again at any time: it looks whether it is done already. Which side gives and which takes comes from the
transition, so the way back is the same code.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from caravan.core.clock import Clock, utc_now
from caravan.core.errors import CaravanError
from caravan.migration.capture.changes import Position
from caravan.migration.config import MigrationConfig
from caravan.migration.cutover.errors import (
    FenceRefusedError,
    PreflightError,
    RowsDifferError,
    StoreFailedError,
    WritersRemainError,
)
from caravan.migration.cutover.hold_budget import HoldBudget
from caravan.migration.cutover.parties import Parties
from caravan.migration.cutover.preflight import Look, Waived, preflight
from caravan.migration.cutover.roles import Roles, roles_of
from caravan.migration.cutover.store_errors import store_errors
from caravan.migration.units import Performance, Publication, Publisher, Scope, UnitValues
from caravan.migration.units.cutover_steps import FLIP, HOLD
from caravan.migration.units.states import SHADOW_READ, SWITCHED

__all__ = ["Carrier"]

_MARGIN: Final = 1000
_MARGIN_BEFORE: Final = 10 * _MARGIN
"""Sequences are set before anybody waits, so far that while writes are held it is only to be seen that they are far enough."""
_UNDO: Final = 10.0
_UNHELD: Final = 60.0
_PAUSE: Final = 0.005
_SHOWN: Final = 5


class Carrier:
    """Implements ``Performer``, and ``Publisher`` around the gateways' own. ``sides`` asks both sides' health paths."""

    def __init__(
        self,
        parties: Parties,
        publisher: Publisher,
        config: MigrationConfig,
        *,
        waived: Waived,
        sides: Callable[[], Mapping[str, bool]],
        clock: Clock = utc_now,
        budget: HoldBudget | None = None,
    ) -> None:
        self._parties = parties
        self._publisher = publisher
        self._gates = config.gates
        self._waived = waived
        self._sides = sides
        self._clock = clock
        self.budget = budget or HoldBudget(config.gateway.hold_seconds)
        self._stop: tuple[UUID, Position] | None = None

    def publish(self, publication: Publication) -> Mapping[str, Any]:
        """Publish a step; the clock of the hold runs from before the hold to behind the release."""
        if publication.step.name == HOLD:
            self._attend(publication)
            self.budget.begin()
        if publication.step.name == FLIP:
            self.budget.left(FLIP)
        told = self._publisher.publish(publication)
        if publication.step.values.held:
            return told
        held = self.budget.end()
        return told if held is None else {**told, "held_seconds": round(held, 4)}

    def _attend(self, publication: Publication) -> None:
        after = UnitValues(SHADOW_READ if publication.step.values.state >= SWITCHED else SWITCHED)
        try:
            roles_of(self._parties, after).drained.attend()
        except store_errors() as error:
            raise StoreFailedError(f"hold: {type(error).__name__}: {error}") from error

    def in_force(self, scope: Scope, unit: str) -> UnitValues | None:
        """Return what gateways are told now."""
        return self._publisher.in_force(scope, unit)

    def look(self, roles: Roles, transition: UUID | None = None) -> Look:
        """Return what a preflight looks at."""
        return Look(self._parties, roles, self._gates, self._clock(), self._waived, self._sides, transition)

    def perform(self, performance: Performance) -> Mapping[str, Any]:
        """Do one act.

        Raises:
            StoreFailedError: a store or its driver; or the act is of another version.
            CaravanError: what stands against the step, in its own words.
        """
        act = self._acts.get(performance.step.effect)
        if act is None:
            raise StoreFailedError(f"Nobody here knows the step {performance.step.effect!r}.")
        try:
            return act(performance, roles_of(self._parties, performance.after))
        except store_errors() as error:
            raise StoreFailedError(f"{performance.step.name}: {type(error).__name__}: {error}") from error

    @property
    def _acts(self) -> Mapping[str, Callable[[Performance, Roles], Mapping[str, Any]]]:
        return {
            "preflight": self._preflight,
            "fence": self._fence,
            "wait": self._wait,
            "stop position": self._stop_position,
            "apply": self._apply,
            "verify": self._verify,
            "sequences": self._sequences,
            "capture back": self._capture_back,
            "open": self._open,
            "settle": self._settle,
            "watch": self._watch,
            "unfence": self._unfence,
            "no capture back": self._no_capture_back,
            "close": self._close,
            "carry on": self._carry_on,
            "keep fenced": self._keep_fenced,
            "stop the capture": self._stop_the_capture,
            "end the flow back": self._end_the_flow_back,
        }

    def _preflight(self, performance: Performance, roles: Roles) -> Mapping[str, Any]:
        roles.drained.prepare()
        roles.back.prepare()
        roles.drained.head()  # opens what the steps behind the hold will ask again
        roles.taker.fence.standing()
        checks = preflight(self.look(roles, performance.transition))
        failed = [check for check in checks if not check.passed]
        if failed:
            raise PreflightError(
                "\n".join(
                    ["The switch cannot begin:"]
                    + [f"  {check.name}: {check.measured}; needed: {check.needed}" for check in failed]
                ),
                checks=[check.as_json() for check in checks],
            )
        roles.taker.sequences.prime(margin=_MARGIN_BEFORE, within=_UNHELD)
        self._parties.verification.prepare()
        by_hand = list(roles.giver.fence.by_hand(performance.transition))
        return {
            "checks": [check.as_json() for check in checks],
            "fence_limits": list(roles.giver.fence.limits),
            "fence_by_hand": by_hand,
        }

    def _fence(self, performance: Performance, roles: Roles) -> Mapping[str, Any]:
        fence = roles.giver.fence
        fence.put_up(performance.transition, within=self.budget.left("fence"))
        if not fence.is_up(performance.transition):
            raise FenceRefusedError(f"The fence of {roles.giver.name} was put up and is not there.")
        return {"store": roles.giver.name}

    def _wait(self, _performance: Performance, roles: Roles) -> Mapping[str, Any]:
        deadline = time.monotonic() + self.budget.left("wait")
        looks = 1
        while writers := roles.giver.fence.old_transactions():
            if time.monotonic() >= deadline:
                told = ", ".join(f"{writer.name} ({writer.doing})" for writer in writers[:_SHOWN])
                raise WritersRemainError(
                    f"On {roles.giver.name}, from before the fence and not ended: {told}."
                )
            time.sleep(_PAUSE)
            looks += 1
        return {"looks": looks}

    def _stop_position(self, performance: Performance, roles: Roles) -> Mapping[str, Any]:
        position = roles.drained.head()
        self._stop = (performance.transition, position)
        return {"number": position.number, "resume": position.resume}

    def _apply(self, performance: Performance, roles: Roles) -> Mapping[str, Any]:
        known = self._stop
        position = known[1] if known and known[0] == performance.transition else roles.drained.head()
        roles.drained.apply_exactly_to(position, within=self.budget.left("apply"))
        return {"applied": position.number}

    def _verify(self, _performance: Performance, _roles: Roles) -> Mapping[str, Any]:
        check = self._parties.verification.dirty(within=self.budget.left("verify"))
        if check.differing:
            shown = ", ".join(check.differing[:_SHOWN])
            raise RowsDifferError(
                f"{len(check.differing)} of {check.checked} changed rows differ between the sides: {shown}."
            )
        return {"checked": check.checked}

    def _sequences(self, _performance: Performance, roles: Roles) -> Mapping[str, Any]:
        left = self.budget.left("sequences")
        return {"sequences": dict(roles.taker.sequences.prime(margin=_MARGIN, within=left))}

    def _capture_back(self, _performance: Performance, roles: Roles) -> Mapping[str, Any]:
        self.budget.left("capture back")
        position = roles.back.head()
        roles.back.start(position)
        return {"from": position.number}

    def _open(self, _performance: Performance, roles: Roles) -> Mapping[str, Any]:
        within = self.budget.left("open")
        standing = list(roles.taker.fence.standing())
        for transition in standing:
            roles.taker.fence.take_down(transition, within=within)
        return {"opened": [str(transition) for transition in standing]}

    def _settle(self, performance: Performance, roles: Roles) -> Mapping[str, Any]:
        roles.drained.watch()
        if roles.to == "new":
            return {"fence": "stays", "by_hand": list(roles.giver.fence.by_hand(performance.transition))}
        roles.giver.fence.take_down(performance.transition, within=_UNDO)
        return {"fence": "taken down"}

    def _watch(self, performance: Performance, roles: Roles) -> Mapping[str, Any]:
        """Say what is seen and never fail: behind the flip there is nothing to take back."""
        seen: dict[str, Any] = {"sides": dict(self._sides())}
        failures: tuple[type[Exception], ...] = (CaravanError, *store_errors())
        try:
            seen["flow_back_runs"] = roles.back.running()
            seen["foreign_writes"] = roles.drained.foreign_writes()
            if roles.to == "new":
                seen["fence_up"] = roles.giver.fence.is_up(performance.transition)
        except failures as error:
            seen["failed"] = f"{type(error).__name__}: {error}"
        good = all(seen["sides"].values()) and seen.get("flow_back_runs") is True and "failed" not in seen
        return {**seen, "well": good and seen.get("fence_up", True) and not seen.get("foreign_writes")}

    def _unfence(self, performance: Performance, roles: Roles) -> Mapping[str, Any]:
        roles.giver.fence.take_down(performance.transition, within=_UNDO)
        return {"store": roles.giver.name}

    def _no_capture_back(self, _performance: Performance, roles: Roles) -> Mapping[str, Any]:
        if roles.to == "new":
            roles.back.watch()
            return {}
        # The old store stood open for a moment: what somebody wrote to it then is carried over before nothing is any more.
        position = roles.back.head()
        roles.back.apply_exactly_to(position, within=_UNDO)
        roles.back.watch()
        return {"carried_to": position.number}

    def _close(self, performance: Performance, roles: Roles) -> Mapping[str, Any]:
        """Back in a state in which the old side is passive, its fence has to stand again."""
        if roles.to == "new":
            return {"fence": "none"}
        return self._fenced(performance.transition)

    def _carry_on(self, _performance: Performance, roles: Roles) -> Mapping[str, Any]:
        roles.drained.carry_on()
        return {}

    def _keep_fenced(self, performance: Performance, _roles: Roles) -> Mapping[str, Any]:
        return self._fenced(performance.transition)

    def _fenced(self, transition: UUID) -> Mapping[str, Any]:
        fence = self._parties.old.fence
        if not any(fence.is_up(found) for found in fence.standing()):
            fence.put_up(transition, within=_UNDO)
            return {"fence": "put up", "by_hand": list(fence.by_hand(transition))}
        return {"fence": "stands"}

    def _stop_the_capture(self, _performance: Performance, _roles: Roles) -> Mapping[str, Any]:
        self._parties.forward.stop()
        return {}

    def _end_the_flow_back(self, _performance: Performance, _roles: Roles) -> Mapping[str, Any]:
        applied = self._parties.reverse.applied()
        self._parties.reverse.stop()
        self._parties.forward.stop()
        return {"old_side_as_of": None if applied is None else applied.number}
