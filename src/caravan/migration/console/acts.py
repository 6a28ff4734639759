"""What people do to a migration from its pages.

Holding, accepting and rolling back are the conductor's use cases. Moving to a target that was shown before is here: the same
form twice does it once, and whoever was faster is named.
All of this blocks: call it in a thread.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, TypeAlias
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from caravan.core.clock import Clock, utc_now
from caravan.core.database import DatabaseAddress
from caravan.core.principal import Principal
from caravan.migration.conductor import (
    ADVANCE,
    BACK,
    ByHand,
    OtherPersonNeededError,
    RequestUnknownError,
)
from caravan.migration.config import MigrationConfig
from caravan.migration.console.act_errors import FileNotKnownError, HeldAlreadyError, OvertakenError
from caravan.migration.console.known_files import stored_file
from caravan.migration.units import (
    Coordinator,
    Publisher,
    Scope,
    append,
    connected,
    held_lease,
    look_at_sides,
    record_measurement,
    register,
    stored_units,
)
from caravan.migration.units.gateway_publisher import GatewayPublisher
from caravan.migration.units.states import CANARY
from caravan.migration.units.ways import target_text

__all__ = ["ADVANCE_ACTION", "Acts", "PublisherOf", "Wish"]

ADVANCE_ACTION: Final = "advance"
"""The action of a request of ours; all others are the conductor's."""

PublisherOf: TypeAlias = Callable[[DatabaseAddress, MigrationConfig, str], Publisher]

_LAST_MOVE: Final = """
SELECT by, created_at FROM engine.unit_transitions
WHERE org_id = %(org)s AND migration = %(migration)s AND unit = %(unit)s ORDER BY created_at DESC LIMIT 1
"""
_HELD: Final = """
SELECT by, reason FROM engine.unit_holds WHERE org_id = %(org)s AND migration = %(migration)s AND unit = %(unit)s
"""
_ASK: Final = """
INSERT INTO engine.operator_requests (org_id, id, migration, unit, action, wish, state, by, asked_at)
VALUES (%(org)s, %(id)s, %(migration)s, %(unit)s, %(action)s, %(wish)s, 'open', %(by)s, %(at)s)
ON CONFLICT DO NOTHING RETURNING id
"""
_REQUEST: Final = """
SELECT action, unit, wish, by, state, settled_by FROM engine.operator_requests
WHERE org_id = %(org)s AND migration = %(migration)s AND id = %(id)s
"""
_SETTLE: Final = """
UPDATE engine.operator_requests SET state = %(state)s, settled_by = %(by)s, settled_at = %(at)s
WHERE org_id = %(org)s AND migration = %(migration)s AND id = %(id)s AND state = 'open' RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """Where somebody wants a unit to be, why, and where it was when they said so (``seen_at``)."""

    unit: str
    target: str
    back: bool
    reason: str
    seen_at: str


@dataclass(frozen=True, slots=True)
class Acts:
    """Acts of a caller whose right the page has checked. ``file`` is the whole migration file; without it nothing moves."""

    address: DatabaseAddress
    scope: Scope
    caller: Principal
    file: MigrationConfig | None = None
    four_eyes: bool = False
    publisher_of: PublisherOf | None = None
    clock: Clock = utc_now

    @property
    def by(self) -> str:
        """How the journal names whoever acts; as the conductor's use cases do."""
        return f"{self.caller.name} ({self.caller.label})" if self.caller.name else self.caller.label

    def move(self, act: UUID, wish: Wish) -> None:
        """Move a unit to the target; with four eyes, forward only when a second person agrees. ``act`` is the form's id.

        Raises:
            FileNotKnownError: this process cannot reach the gateways.
            OvertakenError: the unit is not where the form's sender saw it; says who moved it.
            CaravanError: what ``Coordinator`` raises: a closed gate, a lease somebody holds, gateways that do not confirm.
        """
        if self.four_eyes and not wish.back:
            self._ask(act, wish)
        else:
            self._move(wish, self.by)

    def settle(self, request: UUID, *, agree: bool) -> None:
        """Agree to another person's wish and do it, or refuse it (one's own as well).

        Raises:
            RequestUnknownError: there is none, or somebody was faster, who is named.
            OtherPersonNeededError: nobody agrees with themselves.
        """
        with connected(self.address) as connection:
            row = connection.execute(_REQUEST.encode(), {**self.scope.parameters, "id": request}).fetchone()
        if row is None:
            raise RequestUnknownError("There is no such request.")
        action, unit, document, asked_by, state, settled_by = row
        if state != "open":
            raise RequestUnknownError(f"{settled_by} has settled it: {state}.")
        if action != ADVANCE_ACTION:
            by_hand = self.by_hand()
            (by_hand.agree if agree else by_hand.refuse)(request)
            return
        if agree and asked_by == self.by:
            raise OtherPersonNeededError("You asked for this yourself.")
        wish = Wish(
            unit, document["target"], back=False, reason=document["reason"], seen_at=document["seen_at"]
        )
        if agree:
            self._move(wish, f"{asked_by}, agreed by {self.by}")
        with connected(self.address) as connection, connection.transaction(), connection.cursor() as cursor:
            self._run(cursor, _SETTLE, id=request, state="done" if agree else "refused")
            if cursor.fetchone() is not None:
                facts = {"action": action, "target": wish.target, "asked_by": asked_by}
                self._note(cursor, "agreed" if agree else "refused", facts, unit)

    def hold(self, unit: str, reason: str) -> None:
        """Hold a unit where it is; raises ``HeldAlreadyError`` when somebody else does, who is named."""
        with connected(self.address, read_only=True) as connection:
            row = connection.execute(_HELD.encode(), {**self.scope.parameters, "unit": unit}).fetchone()
        if row is None:
            self.by_hand().hold(unit, reason)
        elif row[0] != self.by:
            raise HeldAlreadyError(f"{row[0]} holds {unit!r} already: {row[1]}.")

    def let_go(self, unit: str, reason: str) -> None:
        """End a hold; with four eyes a second person has to agree."""
        self.by_hand().let_go(unit, reason)

    def begin_anew(self, unit: str, reason: str) -> None:
        """Forget the evidence against a unit, for a new side that was mended; with four eyes a second person has to agree."""
        self.by_hand().begin_anew(unit, reason)

    def accept(
        self, places: Sequence[tuple[str, str]], kind: str, owner: str, reason: str, until: date
    ) -> None:
        """Answer for a difference at these (route, path); raises ``MaskRefusedError``."""
        by_hand = self.by_hand()
        for route, path in places:
            by_hand.accept(route, path, owner=owner, reason=reason, until=until, kind=kind)

    def withdraw(self, identity: UUID) -> None:
        """Compare it again; raises ``RequestUnknownError``."""
        self.by_hand().withdraw(identity)

    def by_hand(self) -> ByHand:
        """Return the conductor's use cases for this caller."""
        file = self.file
        if file is None:
            with connected(self.address, read_only=True) as connection:
                file = stored_file(connection, self.scope)
        if file is None:
            raise FileNotKnownError(f"Nobody has read a file of {self.scope.migration!r}.")
        trusted = replace(self.caller, scopes=self.caller.scopes | {ADVANCE, BACK})
        return ByHand(
            self.address,
            self.scope,
            file,
            trusted,
            four_eyes=self.four_eyes,
            publisher=self._publisher(file) if self.file is not None else None,
            clock=self.clock,
        )

    def _ask(self, act: UUID, wish: Wish) -> None:
        document = {"target": wish.target, "reason": wish.reason, "seen_at": wish.seen_at}
        with connected(self.address) as connection, connection.transaction(), connection.cursor() as cursor:
            self._run(cursor, _ASK, id=act, unit=wish.unit, action=ADVANCE_ACTION, wish=Jsonb(document))
            if cursor.fetchone() is not None:
                self._note(cursor, "asked for", {"said": wish.reason, "target": wish.target}, wish.unit)

    def _move(self, wish: Wish, by: str) -> None:
        file = self.file
        if file is None:
            raise FileNotKnownError(f"The file of {self.scope.migration!r} was not given to this process.")
        with connected(self.address) as connection:
            state = self._where(connection, file, wish)
            if state is None:
                return
            if wish.back and state == CANARY:
                self.by_hand().roll_back(wish.unit, wish.reason)
                return
            with held_lease(connection, self.scope, holder=by) as lease:
                if self._where(connection, file, wish) is None:
                    return
                register(connection, self.scope, file, by=by, at=self.clock())
                if not wish.back:
                    sides = look_at_sides(file)
                    record_measurement(connection, self.scope, wish.unit, "sides", sides, at=self.clock())
                with connection.transaction(), connection.cursor() as cursor:
                    word = "rollback" if wish.back else "promotion"
                    self._note(cursor, word, {"said": wish.reason, "target": wish.target}, wish.unit, by)
                coordinator = Coordinator(
                    connection, self.scope, file, self._publisher(file), by=by, clock=self.clock
                )
                (coordinator.back if wish.back else coordinator.advance)(lease, wish.unit, wish.target)

    def _where(self, connection: psycopg.Connection, file: MigrationConfig, wish: Wish) -> int | None:
        """Return the unit's state; None when it is at the target already. Raises ``OvertakenError``."""
        stored = stored_units(connection, self.scope).get(wish.unit)
        if stored is None:
            return 0
        at = target_text(stored.values, file.gates)
        if at == wish.target:
            return None
        if at != wish.seen_at:
            here = {**self.scope.parameters, "unit": wish.unit}
            who, when = connection.execute(_LAST_MOVE.encode(), here).fetchone() or (
                "Somebody",
                stored.entered_at,
            )
            raise OvertakenError(
                f"{who} moved {wish.unit} to {at} at {when:%H:%M:%S} UTC; you saw it at {wish.seen_at}."
            )
        return stored.values.state

    def _publisher(self, file: MigrationConfig) -> Publisher:
        if self.publisher_of is not None:
            return self.publisher_of(self.address, file, self.by)
        return GatewayPublisher(self.address, file, by=self.by)

    def _run(self, cursor: psycopg.Cursor[Any], statement: str, **values: object) -> None:
        cursor.execute(
            statement.encode(), {**self.scope.parameters, "by": self.by, "at": self.clock(), **values}
        )

    def _note(
        self,
        cursor: psycopg.Cursor[Any],
        phase: str,
        facts: Mapping[str, Any],
        unit: str,
        by: str | None = None,
    ) -> None:
        append(cursor, self.scope, at=self.clock(), phase=phase, by=by or self.by, facts=facts, unit=unit)
