"""The shadow: live traffic is compared, and no client notices."""

from typing import Final

from scripts.demo.case import Case
from scripts.demo.load import Load
from scripts.demo.promises import Promises
from scripts.demo.running import Migration

__all__ = ["show_shadow"]

_RATE: Final = 120.0


def show_shadow(case: Case, migration: Migration, promises: Promises) -> Load:
    """Compare until the gate of `shadow-read` opens, and go through it; returns the load that was sent."""
    with Load(migration.port, _RATE, case.every, host=case.host) as load:
        migration.until(lambda: migration.is_open("shadow-read"), "the shadow has seen enough")
    seen = migration.seen()
    covered = [route.coverage for route in seen.routes if route.coverage and route.unit == migration.unit]
    judged = sum(each.judged for each in covered)
    accepted = {(one.route, one.path) for one in case.accepted}
    reported = [
        f"{member.path} of {member.route}"
        for one in seen.differences
        for member in one.members
        if member.reported and (member.route, member.path) not in accepted
    ]
    promises.told(
        "shadow without an unexplained difference",
        f"{judged} requests compared on {len(covered)} routes; unexplained: {', '.join(reported) or 'none'}; accepted: {len(accepted)};"
        f" a defect on more than {max((each.bound for each in covered), default=1.0):.1%} ruled out (95 %)",
        holds=not reported and judged > 0,
    )
    writes = sum(route.new.requests + route.new.asked for route in seen.routes if route.effect == "write")
    promises.told("no write was asked again", f"{writes} writes on the new side", holds=writes == 0)
    promises.told("no client saw an error", f"{len(load.failures)} of {load.sent}", holds=not load.failures)
    migration.advance("shadow-read")
    return load
