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
from caravan.migration.conductor.errors import OtherPersonNeededError, RequestUnknownError
from caravan.migration.conductor.looking import ANEW
from caravan.migration.conductor.steering import Steering
from caravan.migration.conductor.stored_json import stored
from caravan.migration.config import MigrationConfig
from caravan.migration.shadow import Judge, Kind, Mask
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

Act: TypeAlias = Literal["accept", "withdraw", "promote", "hold", "let go", "roll back", "begin anew"]

_CAREFUL: Final = frozenset(("withdraw", "hold", "roll back"))
_HOLD: Final = """
INSERT INTO engine.unit_holds (org_id, migration, unit, by, reason, at)
VALUES (%(org)s, %(migration)s, %(unit)s, %(by)s, %(reason)s, %(at)s)
ON CONFLICT (org_id, migration, unit) DO UPDATE SET by = excluded.by, reason = excluded.reason, at = excluded.at
"""
_LET_GO: Final = (
    "DELETE FROM engine.unit_holds WHERE org_id = %(org)s AND migration = %(migration)s AND unit = %(unit)s"
)
_ANEW: Final = """
INSERT INTO engine.conductor_state (org_id, migration, part, version, document, written_at)
VALUES (%(org)s, %(migration)s, %(part)s, 0, '{}', %(at)s) ON CONFLICT DO NOTHING
"""
_ASK: Final = """
INSERT INTO engine.operator_requests (org_id, id, migration, unit, action, wish, state, by, asked_at)
VALUES (%(org)s, %(id)s, %(migration)s, %(unit)s, %(action)s, %(wish)s, 'open', %(by)s, %(at)s)
"""
_REQUEST: Final = """
SELECT unit, action, wish, by FROM engine.operator_requests
WHERE org_id = %(org)s AND migration = %(migration)s AND id = %(id)s AND state = 'open' FOR UPDATE
"""
_SETTLE: Final = """
UPDATE engine.operator_requests SET state = %(state)s, settled_by = %(by)s, settled_at = %(at)s
WHERE org_id = %(org)s AND id = %(id)s
"""


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
        """Answer for a difference until a day.

        Raises:
            MaskRefusedError: it would hide too much, has no owner or reason, or lasts too long.
        """
        accepted = Accepted(route, path, kind, owner, reason, until)
        Judge().mask(Mask(route, path, owner, reason, until, Kind(kind)), self._clock().date())
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

    def _do(self, act: Act, unit: str | None, wish: Mapping[str, Any]) -> Outcome:
        self._check(act, unit)
        if self._four_eyes and act not in _CAREFUL:
            return self._ask(act, unit, wish)
        self._acts[act](unit or "", wish, self._by)
        return Outcome("done", f"{act}: done")

    def _check(self, act: str, unit: str | None) -> None:
        self._principal.require(*((ADVANCE, BACK) if act in _CAREFUL else (ADVANCE,)))
        if unit is not None and self._config.unit(unit) is None:
            known = ", ".join(each.name for each in self._config.units) or "none"
            raise UnitUnknownError(f"There is no unit {unit!r}; there are {known}.")

    def _ask(self, act: Act, unit: str | None, wish: Mapping[str, Any]) -> Outcome:
        identity = uuid7()
        with connected(self._address) as connection, connection.transaction():
            row = {**self._here, "id": identity, "unit": unit, "action": act, "wish": stored(dict(wish))}
            connection.execute(_ASK.encode(), row)
            facts = {"action": act, "request": str(identity), "wish": dict(wish)}
            self._note(connection, unit, "asked for", facts, self._by)
        return Outcome("waits", f"{act}: waits for a second person", identity)

    def _settle(self, request: UUID, *, agreed: bool) -> Outcome:
        with connected(self._address) as connection, connection.transaction():
            found = connection.execute(_REQUEST.encode(), {**self._here, "id": request}).fetchone()
            if found is None:
                raise RequestUnknownError(f"There is no open request {request}.")
            unit, act, wish, asked_by = found
            self._check(act, unit)
            if agreed and asked_by == self._by:
                raise OtherPersonNeededError(
                    f"{self._by} asked for this; nobody agrees to a request of their own."
                )
            if agreed:
                self._acts[act](unit or "", wish, f"{asked_by}, agreed by {self._by}")
            state = "done" if agreed else "refused"
            connection.execute(_SETTLE.encode(), {**self._here, "id": request, "state": state})
            facts = {"action": act, "request": str(request), "asked_by": asked_by}
            self._note(connection, unit, "agreed" if agreed else "refused", facts, self._by)
        return Outcome("done" if agreed else "refused", f"{act}: {state}", request)

    @property
    def _acts(self) -> Mapping[str, Callable[[str, Mapping[str, Any], str], None]]:
        return {
            "accept": self._accept,
            "withdraw": self._withdraw,
            "promote": self._promote,
            "roll back": self._roll_back,
            "hold": self._hold,
            "let go": self._let_go,
            "begin anew": self._begin_anew,
        }

    @property
    def _here(self) -> dict[str, Any]:
        return {**self._scope.parameters, "by": self._by, "at": self._clock()}

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

    def _roll_back(self, unit: str, wish: Mapping[str, Any], by: str) -> None:
        self._steering(by).roll_back(unit, None, str(wish["reason"]))

    def _hold(self, unit: str, wish: Mapping[str, Any], by: str) -> None:
        self._write(_HOLD, unit, "held", wish, by)

    def _let_go(self, unit: str, wish: Mapping[str, Any], by: str) -> None:
        self._write(_LET_GO, unit, "let go", wish, by)

    def _begin_anew(self, unit: str, wish: Mapping[str, Any], by: str) -> None:
        self._write(_ANEW, unit, "judgement begins anew", wish, by)

    def _write(self, statement: str, unit: str, phase: str, wish: Mapping[str, Any], by: str) -> None:
        with connected(self._address) as connection, connection.transaction():
            row = {**self._here, "by": by, "unit": unit, "reason": wish["reason"], "part": f"{ANEW}{unit}"}
            connection.execute(statement.encode(), row)
            self._note(connection, unit, phase, {"said": wish["reason"]}, by)

    def _steering(self, by: str) -> Steering:
        return Steering(
            self._address, self._scope, self._config, by=by, publisher=self._publisher, clock=self._clock
        )

    def _note(
        self, connection: psycopg.Connection, unit: str | None, phase: str, facts: Mapping[str, Any], by: str
    ) -> None:
        with connection.cursor() as cursor:
            append(cursor, self._scope, at=self._clock(), phase=phase, by=by, facts=facts, unit=unit)
