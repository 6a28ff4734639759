"""Which alarms the present state raises."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from caravan.migration.canary import Decision
from caravan.migration.conductor.alerts import Alarm
from caravan.migration.conductor.looking import Look
from caravan.migration.shadow import BudgetReport

__all__ = ["MOST_SILENT", "alarms_of", "open_members"]

MOST_SILENT: Final = 20
_ROSE: Final = "rose"


def alarms_of(
    look: Look,
    decisions: Mapping[str, Decision],
    groups: Mapping[str, list[dict[str, Any]]],
    budget: BudgetReport,
    *,
    silent: int,
) -> Iterator[Alarm]:
    """Yield one alarm per cause; rollbacks and failed movements are added by who made them."""
    for unit, decision in decisions.items():
        yield from _of_stage(unit, decision)
    for unit, found in groups.items():
        for group in found:
            open_ones = open_members(group, look)
            if open_ones:
                said = f"{group['cause']}: {len(open_ones)} places differ, such as {open_ones[0][1]} on {open_ones[0][0]}"
                facts = {"difference": group["id"], "example": group["example"]}
                yield Alarm(f"difference {group['id']}", "warning", said, unit or None, facts)
    if budget.stopped is not None and _ROSE in budget.stopped:
        yield Alarm("budget", "warning", f"nothing is asked of the old side: {budget.stopped}")
    if silent >= MOST_SILENT:
        yield Alarm("new side silent", "critical", f"the new side gave no answer {silent} times in a row")
    for name, seconds in look.silent.items():
        said = f"the gateway process {name} has been silent for {seconds:.0f} s"
        yield Alarm(f"gateway {name}", "warning", said)


def open_members(group: Mapping[str, Any], look: Look) -> list[Any]:
    """Return the reported places of a group for which nobody answers."""
    accepted = {(one.route, one.path) for one in look.accepted if one.kind == group["kind"]}
    return [member for member in group["members"] if member[4] and (member[0], member[1]) not in accepted]


def _of_stage(unit: str, decision: Decision) -> Iterator[Alarm]:
    if decision.ratio.mismatched:
        said = (
            f"{unit}: the split is not the declared {decision.ratio.share:.2%}: {decision.ratio.canary_keys} keys in the"
            f" canary, {decision.ratio.baseline_keys} outside; no figure of this stage can be trusted"
        )
        yield Alarm(f"ratio {unit}", "warning", said, unit)
    for reason in decision.reasons:
        if " could not be read: " in reason:
            yield Alarm(f"counter {unit} {reason.partition(' ')[0]}", "warning", f"{unit}: {reason}", unit)
