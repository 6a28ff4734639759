"""What must hold before anything is held or fenced. Reads, and changes nothing.

On the way back less stands in the way: whoever flees from a new side that fails is told what is not as it should be, and goes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from caravan.migration.config import Gates
from caravan.migration.cutover.parties import Parties, Store, Verification
from caravan.migration.cutover.roles import Roles
from caravan.migration.units.guards import Check

__all__ = ["Look", "Waived", "preflight"]

Waived = Callable[[str], bool]
"""Whether somebody answers today for a class, such as ``writer:cron@10.0.0.7``."""

_FREE_BYTES: Final = 1 << 30
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Look:
    """All that a preflight looks at. ``sides`` asks both sides' health paths."""

    parties: Parties
    roles: Roles
    gates: Gates
    now: datetime
    waived: Waived
    sides: Callable[[], Mapping[str, bool]]
    transition: UUID | None = None


def preflight(look: Look) -> list[Check]:
    """Return every check, in the order in which people would ask."""
    return [
        *_flow(look),
        *_only_told(look, _verified(look.parties.verification, look)),
        *_disk(look.parties),
        *_healthy(look),
        *_way_back(look),
        *_leftovers(look),
        *_only_told(look, _writers(look.roles.giver, look.waived)),
    ]


def _only_told(look: Look, checks: Iterator[Check]) -> Iterator[Check]:
    """Let a check stand in the way there, and only be told on the way back."""
    for check in checks:
        told = check.passed or look.roles.to == "new"
        yield (
            check
            if told
            else Check(check.name, passed=True, measured=check.measured, needed="told only, on the way back")
        )


def _flow(look: Look) -> Iterator[Check]:
    running = look.roles.drained.running()
    yield Check("flow", running, "running" if running else "not running", "running")
    lag = look.roles.drained.lag()
    waiting = "" if lag.transactions is None else f", {lag.transactions} transactions"
    yield Check(
        "lag", lag.seconds <= look.gates.lag, f"{lag.seconds:.1f} s{waiting}", f"at most {look.gates.lag:g} s"
    )


def _verified(verification: Verification, look: Look) -> Iterator[Check]:
    last = verification.last()
    needed = f"within {look.gates.fresh:g} s, nothing differs"
    if last is None:
        yield Check("verification", passed=False, measured="never", needed=needed)
        return
    age = (look.now - last.at).total_seconds()
    said = f"{age:.0f} s ago, {last.rows} rows, {last.differing} differ"
    yield Check("verification", age <= look.gates.fresh and not last.differing, said, needed)


def _disk(parties: Parties) -> Iterator[Check]:
    for store in (parties.old, parties.new):
        free = store.free_bytes
        said = "nobody can tell" if free is None else f"{free / (1 << 30):.1f} GiB free"
        yield Check(f"disk of {store.name}", free is None or free >= _FREE_BYTES, said, "at least 1 GiB")


def _healthy(look: Look) -> Iterator[Check]:
    for side, well in look.sides().items():
        check = Check(f"health of the {side} side", well, "answers" if well else "does not answer", "answers")
        yield from [check] if side == look.roles.to else _only_told(look, iter([check]))


def _way_back(look: Look) -> Iterator[Check]:
    """The way back is there when the log of the side that takes can be read (it is read once) and a process stands by for it."""
    position, carried = look.roles.back.head(), look.roles.back.carried()
    said = f"{'a process' if carried else 'no process'} stands by, the log is at {position.number}"
    yield Check("way back", carried, said, "a process that carries the flow back: `caravan sync run`")


def _leftovers(look: Look) -> Iterator[Check]:
    left = [str(found) for found in look.roles.giver.fence.standing() if found != look.transition]
    yield Check(
        "leftover fences",
        passed=not left,
        measured=", ".join(left) or "none",
        needed="none; take them down with `caravan cutover release-fence`",
    )


def _writers(store: Store, waived: Waived) -> Iterator[Check]:
    seen = {writer.name: writer.doing for writer in store.fence.writers()}
    others = {name: doing for name, doing in seen.items() if not waived(f"writer:{name}")}
    told = [f"{name} ({doing})" for name, doing in list(others.items())[:_SHOWN]]
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    yield Check(
        "writers without the gateway",
        passed=not others,
        measured=", ".join(told) + more if others else "none",
        needed="none but those waived as `writer:NAME`: move them behind the gateway, or answer for them",
    )
