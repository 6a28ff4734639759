"""What people do to a migration from its pages: the conductor's use cases, for a caller whose right the page has checked.

The same form twice does its act once, and whoever was faster is named. All of this blocks: call it in a thread.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, TypeAlias
from uuid import UUID

from caravan.core.clock import Clock, utc_now
from caravan.core.database import DatabaseAddress
from caravan.core.principal import Principal
from caravan.migration.conductor import ADVANCE, BACK, ByHand
from caravan.migration.config import MigrationConfig
from caravan.migration.console.act_errors import FileNotKnownError, HeldAlreadyError
from caravan.migration.console.known_files import stored_file
from caravan.migration.units import Publisher, Scope, connected
from caravan.migration.units.gateway_publisher import GatewayPublisher

__all__ = ["Acts", "PublisherOf", "Wish"]

PublisherOf: TypeAlias = Callable[[DatabaseAddress, MigrationConfig, str], Publisher]

_HELD: Final = """
SELECT by, reason FROM engine.unit_holds WHERE org_id = %(org)s AND migration = %(migration)s AND unit = %(unit)s
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
    """``file`` is the whole migration file; without it nothing moves."""

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
            CaravanError: what ``Steering`` raises: a closed gate, a hold, a lease somebody holds, gateways that do not confirm.
        """
        self._refuse_without_file()
        by_hand = self.by_hand()
        if wish.back:
            by_hand.back(wish.unit, wish.target, wish.reason, seen_at=wish.seen_at)
        else:
            by_hand.advance(wish.unit, wish.target, wish.reason, seen_at=wish.seen_at, act=act)

    def settle(self, request: UUID, *, agree: bool, moves: bool) -> None:
        """Agree to another person's wish and do it, or refuse it (one's own as well); ``moves`` when it moves a unit.

        Raises:
            FileNotKnownError: agreeing to it here would reach no gateway.
            RequestUnknownError: there is none, or somebody was faster, who is named.
            OtherPersonNeededError: nobody agrees with themselves.
        """
        if agree and moves:
            self._refuse_without_file()
        by_hand = self.by_hand()
        (by_hand.agree if agree else by_hand.refuse)(request)

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

    def replay(self, difference: str) -> None:
        """Have the conductor ask both sides again about a difference's example; raises what ``ByHand.replay`` raises."""
        self.by_hand().replay(difference)

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

    def _refuse_without_file(self) -> None:
        if self.file is None:
            raise FileNotKnownError(f"The file of {self.scope.migration!r} was not given to this process.")

    def _publisher(self, file: MigrationConfig) -> Publisher:
        if self.publisher_of is not None:
            return self.publisher_of(self.address, file, self.by)
        return GatewayPublisher(self.address, file, by=self.by)
