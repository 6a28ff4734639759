"""What people do to a migration: accept a difference, promote, hold, roll back, begin a judgement anew.

One use case for console, command line and API alike. Who acts is a principal; the journal has every act and every refusal to agree.
With four eyes, what makes a migration less careful (accepting, promoting, letting go, beginning anew) is written down as a
request, and done when a second person agrees; what makes it more careful (hold, roll back, withdraw) is done at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import psycopg

from caravan.core.clock import Clock, utc_now
from caravan.core.database import DatabaseAddress
from caravan.core.ids import uuid7
from caravan.core.principal import Principal
from caravan.migration.conductor import wishes
from caravan.migration.conductor.errors import OtherPersonNeededError, RequestUnknownError
from caravan.migration.conductor.found_differences import refuse_too_much, refuse_unfound, replayable
from caravan.migration.conductor.looking import ANEW, REPLAY, WANTED
from caravan.migration.conductor.steering import Movement, Steering
from caravan.migration.conductor.wishes import OpenWish
from caravan.migration.config import MigrationConfig
from caravan.migration.shadow import Kind
from caravan.migration.units import (
    Accepted,
    Publisher,
    Scope,
    UnitUnknownError,
    accept,
    append,
    connected,
    withdraw,
)

__all__ = ["ADVANCE", "BACK", "Act", "ByHand", "Outcome"]

ADVANCE: Final = "migration:advance"
BACK: Final = "migration:back"

Act: TypeAlias = Literal[
    "accept",
    "withdraw",
    "promote",
    "advance",
    "back",
    "hold",
    "let go",
    "roll back",
    "begin anew",
    "replay",
]

_CAREFUL: Final = frozenset(("withdraw", "hold", "roll back", "back", "replay"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """``done`` at once, or ``waits`` as the request ``request`` for a second person; ``said`` is for people."""

    state: Literal["done", "waits", "refused"]
    said: str
    request: UUID | None = None


class ByHand:
    """Acts of one principal on one migration. Synchronous: call it outside of an event loop."""

    def __init__(
        self,
        address: DatabaseAddress,
        scope: Scope,
        config: MigrationConfig,
        principal: Principal,
        *,
        four_eyes: bool = False,
        publisher: Publisher | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._address, self._scope, self._config = address, scope, config
        self._principal = principal
        self._by = f"{principal.name} ({principal.label})" if principal.name else principal.label
        self._four_eyes = four_eyes
        self._publisher = publisher
        self._clock = clock

    def accept(
        self, route: str, path: str, *, owner: str, reason: str, until: date, kind: str = "value"
    ) -> Outcome:
        """Answer for a difference of one route, path and kind until a day. What is no value must have been found first.

        Raises:
            MaskRefusedError: it would hide too much, was not found, has no owner or reason, or lasts too long.
        """
        accepted = Accepted(route, path, kind, owner, reason, until)
        refuse_too_much(self._address, self._scope, self._config, accepted, self._clock().date())
        if kind != Kind.VALUE:
            refuse_unfound(self._address, self._scope, accepted)
        return self._do("accept", None, accepted.as_json())

    def withdraw(self, accepted: UUID) -> Outcome:
        """Answer for a difference no longer; raises ``RequestUnknownError`` when nobody did."""
        return self._do("withdraw", None, {"id": str(accepted)})

    def promote(self, unit: str, reason: str) -> Outcome:
        """Widen a canary by one stage, by what was measured last; its guard is asked all the same.

        Raises:
            CaravanError: what ``Steering.promote`` raises.
        """
        return self._do("promote", unit, {"reason": reason})

    def advance(
        self, unit: str, target: str, reason: str, *, seen_at: str | None = None, act: UUID | None = None
    ) -> Outcome:
        """Go on to a target that one edge reaches: on the same path, by the same guards as the conductor's own promotions.

        ``seen_at`` is where the unit was when that was decided. ``act`` names the wish, so that asking twice asks once.

        Raises:
            CaravanError: what ``Steering.advance`` raises.
        """
        wish = {"target": target, "reason": reason, "seen_at": seen_at}
        return self._do("advance", unit, wish, act)

    def back(self, unit: str, target: str, reason: str, *, seen_at: str | None = None) -> Outcome:
        """Go back to a target, now.

        Raises:
            CaravanError: what ``Steering.back`` raises.
        """
        return self._do("back", unit, {"target": target, "reason": reason, "seen_at": seen_at})

    def hold(self, unit: str, reason: str) -> Outcome:
        """Keep a unit where it is: the conductor does not promote it until somebody lets it go."""
        return self._do("hold", unit, {"reason": reason})

    def let_go(self, unit: str, reason: str) -> Outcome:
        """End a hold."""
        return self._do("let go", unit, {"reason": reason})

    def roll_back(self, unit: str, reason: str) -> Outcome:
        """Send everybody back to the old side, now.

        Raises:
            CaravanError: what ``Steering.roll_back`` raises.
        """
        return self._do("roll back", unit, {"reason": reason})

    def begin_anew(self, unit: str, reason: str) -> Outcome:
        """Forget the evidence against a unit: for a new side that was mended. The journal keeps what was found."""
        return self._do("begin anew", unit, {"reason": reason})

    def replay(self, difference: str) -> Outcome:
        """Have both sides asked again about a difference's example, by the conductor and within its budget.

        Raises:
            DifferenceUnknownError: there is no such difference any more.
            ReplayRefusedError: its route writes; such a request is never sent a second time.
        """
        unit = replayable(self._address, self._scope, self._config, difference)
        return self._do("replay", unit or None, {"difference": difference})

    def agree(self, request: UUID) -> Outcome:
        """Do what somebody else asked for.

        Raises:
            RequestUnknownError: there is no such open request.
            OtherPersonNeededError: it is one's own.
        """
        return self._settle(request, agreed=True)

    def refuse(self, request: UUID) -> Outcome:
        """Say no to a request; one's own may be taken back."""
        return self._settle(request, agreed=False)

    def _do(
        self, act: Act, unit: str | None, wish: Mapping[str, Any], identity: UUID | None = None
    ) -> Outcome:
        self._check(act, unit)
        if self._four_eyes and act not in _CAREFUL:
            return self._ask(act, unit, wish, identity or uuid7())
        self._acts[act](unit or "", wish, self._by)
        return Outcome("done", f"{act}: done")

    def _check(self, act: str, unit: str | None) -> None:
        self._principal.require(*((ADVANCE, BACK) if act in _CAREFUL else (ADVANCE,)))
        if unit is not None and self._config.unit(unit) is None:
            known = ", ".join(each.name for each in self._config.units) or "none"
            raise UnitUnknownError(f"There is no unit {unit!r}; there are {known}.")

    def _ask(self, act: Act, unit: str | None, wish: Mapping[str, Any], identity: UUID) -> Outcome:
        with connected(self._address) as connection, connection.transaction():
            wanted = OpenWish(unit, act, wish, self._by)
            if wishes.ask(connection, self._scope, identity, wanted, self._clock()):
                facts = {"action": act, "request": str(identity), "wish": dict(wish)}
                self._note(connection, unit, "asked for", facts, self._by)
        return Outcome("waits", f"{act}: waits for a second person", identity)

    def _settle(self, request: UUID, *, agreed: bool) -> Outcome:
        with connected(self._address) as connection, connection.transaction():
            found = wishes.taken_up(connection, self._scope, request)
            self._check(found.action, found.unit)
            if agreed and found.by == self._by:
                raise OtherPersonNeededError(
                    f"{self._by} asked for this; nobody agrees to a request of their own."
                )
            if agreed:
                self._acts[found.action](found.unit or "", found.wish, f"{found.by}, agreed by {self._by}")
            state = "done" if agreed else "refused"
            wishes.settle(connection, self._scope, request, state, self._by, self._clock())
            facts = {"action": found.action, "request": str(request), "asked_by": found.by}
            self._note(connection, found.unit, "agreed" if agreed else "refused", facts, self._by)
        return Outcome("done" if agreed else "refused", f"{found.action}: {state}", request)

    @property
    def _acts(self) -> Mapping[str, Callable[[str, Mapping[str, Any], str], None]]:
        return {
            "accept": self._accept,
            "withdraw": self._withdraw,
            "promote": self._promote,
            "advance": self._advance,
            "back": self._back,
            "roll back": self._roll_back,
            "hold": self._hold,
            "let go": self._let_go,
            "begin anew": self._begin_anew,
            "replay": self._replay,
        }

    def _accept(self, _unit: str, wish: Mapping[str, Any], by: str) -> None:
        accepted = Accepted(**{**wish, "until": date.fromisoformat(wish["until"])})
        with connected(self._address) as connection:
            accept(connection, self._scope, accepted, by=by, at=self._clock())

    def _withdraw(self, _unit: str, wish: Mapping[str, Any], by: str) -> None:
        with connected(self._address) as connection:
            if not withdraw(connection, self._scope, UUID(wish["id"]), by=by, at=self._clock()):
                raise RequestUnknownError(f"No accepted difference has the id {wish['id']}.")

    def _promote(self, unit: str, wish: Mapping[str, Any], by: str) -> None:
        self._steering(by).promote(unit, None, str(wish["reason"]))

    def _advance(self, unit: str, wish: Mapping[str, Any], by: str) -> None:
        self._steering(by).advance(Movement(unit, wish["target"], wish["reason"], seen_at=wish["seen_at"]))

    def _back(self, unit: str, wish: Mapping[str, Any], by: str) -> None:
        wanted = Movement(unit, wish["target"], wish["reason"], back=True, seen_at=wish["seen_at"])
        self._steering(by).back(wanted)

    def _roll_back(self, unit: str, wish: Mapping[str, Any], by: str) -> None:
        self._steering(by).roll_back(unit, None, str(wish["reason"]))

    def _hold(self, unit: str, wish: Mapping[str, Any], by: str) -> None:
        with connected(self._address) as connection, connection.transaction():
            wishes.hold(connection, self._scope, unit, wish["reason"], by, self._clock())
            self._note(connection, unit, "held", {"said": wish["reason"]}, by)

    def _let_go(self, unit: str, wish: Mapping[str, Any], by: str) -> None:
        with connected(self._address) as connection, connection.transaction():
            wishes.let_go(connection, self._scope, unit)
            self._note(connection, unit, "let go", {"said": wish["reason"]}, by)

    def _begin_anew(self, unit: str, wish: Mapping[str, Any], by: str) -> None:
        with connected(self._address) as connection, connection.transaction():
            wishes.mark(connection, self._scope, f"{ANEW}{unit}", {}, self._clock())
            self._note(connection, unit, "judgement begins anew", {"said": wish["reason"]}, by)

    def _replay(self, unit: str, wish: Mapping[str, Any], by: str) -> None:
        at = self._clock()
        wanted = {"state": WANTED, "by": by, "at": at.isoformat()}
        with connected(self._address) as connection, connection.transaction():
            wishes.mark(connection, self._scope, f"{REPLAY}{wish['difference']}", wanted, at)
            self._note(connection, unit or None, "pair asked again", {"name": wish["difference"]}, by)

    def _steering(self, by: str) -> Steering:
        return Steering(
            self._address,
            self._scope,
            self._config,
            by=by,
            publisher=self._publisher,
            clock=self._clock,
            patience=0,  # a person is told who changes the migration, and decides again
        )

    def _note(
        self, connection: psycopg.Connection, unit: str | None, phase: str, facts: Mapping[str, Any], by: str
    ) -> None:
        with connection.cursor() as cursor:
            append(cursor, self._scope, at=self._clock(), phase=phase, by=by, facts=facts, unit=unit)
