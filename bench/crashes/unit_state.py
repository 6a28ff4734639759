"""The unit of the campaign's cutovers: how it is moved, where it is, and what would be wrong with it."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from bench.crashes.front import Clients, ServedSide
from bench.crashes.pair import Pair
from caravan.migration.cutover import Cutovers, parties_of
from caravan.migration.cutover.parties import Flow
from caravan.migration.units import (
    Scope,
    connected,
    entries,
    record_measurement,
    register,
    stored_units,
    verify_chain,
)
from caravan.migration.units.gateway_publisher import GatewayPublisher
from caravan.migration.units.states import SWITCHED
from caravan.migration.units.store import open_transition

__all__ = ["UNIT", "caught_up", "cutovers_of", "move", "place_at_canary", "problems_of", "state_of"]

UNIT: Final = "shop"
_CANARY: Final = {"action": "promote", "stage": "100%", "ratio": {"canary_keys": 10}}
_PLACE: Final = (
    "UPDATE engine.units SET state = 6, stage = 1, share = 1, salt = 's'"
    " WHERE org_id = %(org)s AND migration = %(migration)s"
)
_PATIENCE: Final = 40.0
_LOOK: Final = 0.02


def cutovers_of(pair: Pair) -> Cutovers:
    """Return the product's cutovers over the pair; that the campaign's own writers go past the gateway is known."""
    config = pair.config()
    parties = parties_of(config, UNIT, pair.plan(), pair.database, home=pair.home)
    publisher = GatewayPublisher(pair.database, config, by="campaign", seconds=30)
    made = Cutovers(
        pair.database,
        _scope(pair),
        config,
        parties,
        publisher,
        by="campaign",
        sides=lambda: {"old": True, "new": True},
    )
    made.carrier._waived = lambda _class: True  # noqa: SLF001 - a waiver for each writer
    return made


def move(pair: Pair, command: str) -> str:
    """Do what an operator would type; returns what it did. Before a switch the canary is measured once more, as it is all the time."""
    if command == "switch":
        with connected(pair.database) as connection:
            record_measurement(connection, _scope(pair), UNIT, "canary", _CANARY, at=datetime.now(UTC))
    return str(getattr(cutovers_of(pair), command)(UNIT).did)


def place_at_canary(pair: Pair) -> None:
    """Put the unit into the last stage of its canary, which went well."""
    now = datetime.now(UTC)
    with connected(pair.database) as connection:
        register(connection, _scope(pair), pair.config(), by="campaign", at=now)
        connection.execute(_PLACE.encode(), _scope(pair).parameters)
        record_measurement(connection, _scope(pair), UNIT, "canary", _CANARY, at=now)


def state_of(pair: Pair) -> int:
    """Return the number of the state that the unit is in."""
    with connected(pair.database, read_only=True) as connection:
        return stored_units(connection, _scope(pair))[UNIT].values.state


def problems_of(
    pair: Pair, cutovers: Cutovers, command: str, clients: Clients, sides: Mapping[str, ServedSide]
) -> list[str]:
    """Return all that is not as it has to be behind a command that came to its end."""
    return [
        *_of_the_journal(pair, cutovers, command),
        *_of_the_fences(pair, cutovers),
        *_of_the_gateway(pair, clients, sides),
        *_of_the_rows(pair, cutovers, clients, sides),
    ]


def _of_the_journal(pair: Pair, cutovers: Cutovers, command: str) -> Iterator[str]:
    scope = _scope(pair)
    with connected(pair.database, read_only=True) as connection:
        values = stored_units(connection, scope)[UNIT].values
        pending = open_transition(connection, scope, UNIT)
        broken = verify_chain(one.as_json() for one in entries(connection, scope))
    if (values.state >= SWITCHED) != (command == "switch"):
        yield f"{command} left the unit in state {values.state}"
    if values.held or values.armed:
        yield "the unit is held or armed"
    if pending is not None:
        yield f"the transition {pending.edge} is open"
    if broken is not None:
        yield f"the journal does not hold: {broken}"
    told = GatewayPublisher(pair.database, pair.config(), by="campaign").in_force(scope, UNIT)
    if told is None or (told.state, told.held, told.armed) != (values.state, values.held, values.armed):
        yield f"gateways are told {told}, the journal says {values}"
    forward, reverse = cutovers.parties.forward, cutovers.parties.reverse
    runs, rests = (reverse, forward) if values.state >= SWITCHED else (forward, reverse)
    if not _comes(runs.running):
        yield f"the flow {'back' if runs is reverse else 'there'} does not run"
    if rests.running():
        yield f"the flow {'there' if runs is reverse else 'back'} runs"


def _of_the_fences(pair: Pair, cutovers: Cutovers) -> Iterator[str]:
    old, new = cutovers.parties.old.fence, cutovers.parties.new.fence
    standing = list(old.standing())
    if state_of(pair) >= SWITCHED and not any(old.is_up(one) for one in standing):
        yield "no whole fence stands before the old store"
    if state_of(pair) < SWITCHED and standing:
        yield f"fences {standing} stand before the old store"
    if left := list(new.standing()):
        yield f"fences {left} stand before our tables"


def _of_the_gateway(pair: Pair, clients: Clients, sides: Mapping[str, ServedSide]) -> Iterator[str]:
    """Look where a write really goes."""
    code = clients.write(Random(0))
    wanted = "new" if state_of(pair) >= SWITCHED else "old"
    went = [name for name, side in sides.items() if side.taken[code]]
    if went != [wanted]:
        yield f"a write went to {went or 'nobody'}, authority has {wanted}"
    if clients.strange:
        yield f"clients were told {dict(clients.strange)}"
        clients.strange.clear()


def _of_the_rows(
    pair: Pair, cutovers: Cutovers, clients: Clients, sides: Mapping[str, ServedSide]
) -> Iterator[str]:
    for name, flow in (("there", cutovers.parties.forward), ("back", cutovers.parties.reverse)):
        if not caught_up(flow):
            yield f"the flow {name} does not catch up"
        if strange := flow.foreign_writes():
            yield f"the flow {name} tells {strange} foreign writes; the fences let nobody through"
    yield from pair.differences()
    (_, orders) = pair.old.held()
    held = {row[0].strip("'") for row in orders}
    served = sides["old"].taken + sides["new"].taken
    yield from (f"{code} was acknowledged and is lost" for code in clients.acknowledged - held)
    yield from (f"{code} was written {times} times" for code, times in served.items() if times > 1)
    figures = cutovers.verify(UNIT)
    if figures["differing"] or figures["not_judged"]:
        yield f"the verifier says {dict(figures)}"


def caught_up(flow: Flow) -> bool:
    """Wait until a flow has applied, or watched, everything that its log has now; False when that takes too long."""
    head = flow.head()
    return _comes(lambda: (found := flow.applied()) is not None and found >= head)


def _comes(holds: Any) -> bool:  # noqa: ANN401 - a question
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK)
    return True


def _scope(pair: Pair) -> Scope:
    return Scope(pair.org, pair.config().migration.name)
