"""What the figures of a difference mean, for people."""

import math
from typing import Final

from caravan.migration.conductor import Overview
from caravan.migration.conductor.overview import DifferenceMember
from caravan.migration.shadow.evidence import log_mixture

__all__ = ["blind_spot", "evidence_said"]

_MOST_EXPONENT: Final = 12


def evidence_said(member: DifferenceMember) -> str:
    """Say how strongly the counted requests speak against the new side."""
    against, noise = member.against, member.noise
    if not against and not noise:
        return "seen in the answers; nothing was counted"
    counted = f"the new side alone differed on {against} requests, the old side from itself on {noise}"
    if against <= noise:
        return f"{counted}: no more than chance"
    exponent = log_mixture(against, noise) / math.log(10)
    if exponent < 1:
        return f"{counted}: too few to tell"
    odds = f"10^{exponent:.0f}" if exponent > _MOST_EXPONENT else f"{10 ** int(exponent):,}"
    verdict = "reported" if member.reported else "not reported yet"
    return f"{counted}: more than {odds} to 1 against chance; {verdict}"


def blind_spot(seen: Overview) -> str:
    """Say how many leaves nobody compares any more."""
    leaves, masked = sum(one.leaves for one in seen.routes), sum(one.masked for one in seen.routes)
    if not leaves:
        return "nothing has been compared yet"
    return f"{masked} of {leaves} leaves are not compared ({masked / leaves:.1%})"
