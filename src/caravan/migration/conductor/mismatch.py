"""Whether two answers of one request differ, by what the judge of their unit has learnt: the canary's event ``mismatches``."""

from datetime import date

from caravan.migration.exchange import Answer
from caravan.migration.shadow import Judge, Seen, compare

__all__ = ["differs"]


def differs(judge: Judge, route: str, old: Answer, other: Answer, today: date, *, other_is_new: bool) -> bool:
    """Compare as the judge would, masks included; what was never judged is compared as it stands."""
    settings = judge.settings
    ignored = settings.ignored(route)
    state = judge.routes.get(route)
    hosts = settings.new_hosts if other_is_new else settings.old_hosts
    seen = Seen(old, settings.old_hosts, ignored), Seen(other, hosts, ignored)
    if state is None:
        return bool(compare(*seen).differences)
    rules = state.rules(settings.declared.get(route, {}), settings.declared_sets.get(route, {}), ignored)
    spots = compare(*seen, rules).spots()
    return any(not judge.masks.hides(route, spot, today) for spot in spots)
