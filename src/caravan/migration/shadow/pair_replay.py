"""Asks both sides again about the request of an example: whether the difference still stands, and depends on chance."""

from dataclasses import dataclass
from enum import StrEnum

from caravan.migration.exchange import Answer
from caravan.migration.shadow.asking import Asker
from caravan.migration.shadow.comparison import Seen, compare
from caravan.migration.shadow.differences import Spot
from caravan.migration.shadow.hosts import NO_HOSTS, OwnHosts
from caravan.migration.shadow.rules import EXACT, Rules
from caravan.migration.shadow.triple import Example, Triple

__all__ = ["PairOutcome", "PairReplay", "replay_pair"]


class PairOutcome(StrEnum):
    """``always``: every new answer differs from every old one, and no two of a side do."""

    ALWAYS = "always"
    SOMETIMES = "sometimes"
    GONE = "gone"
    NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class PairReplay:
    """``differed`` of ``pairs`` old-new pairs differed in the spot, ``noisy`` pairs of one side did."""

    outcome: PairOutcome
    differed: int
    noisy: int
    pairs: int
    old: Answer
    new: Answer


async def replay_pair(
    example: Example | Triple,
    spot: Spot,
    asker: Asker,
    *,
    times: int = 3,
    rules: Rules = EXACT,
    hosts: tuple[OwnHosts, OwnHosts] = (NO_HOSTS, NO_HOSTS),
) -> PairReplay:
    """Ask each side ``times`` times in random order about the example's request, and look at its spot alone."""
    old, new = await asker.repeated(example.request, times, asker.order_of(example.id))
    olds = [Seen(answer, hosts[0], rules.ignored_headers) for answer in old]
    news = [Seen(answer, hosts[1], rules.ignored_headers) for answer in new]
    differed = sum(spot in compare(here, there, rules).spots() for here in olds for there in news)
    noisy = sum(spot in compare(side[0], other, rules).spots() for side in (olds, news) for other in side[1:])
    pairs = times * times
    if any(answer.status == 0 for answer in (*old, *new)):
        outcome = PairOutcome.NO_ANSWER
    elif differed == 0:
        outcome = PairOutcome.GONE
    else:
        outcome = PairOutcome.ALWAYS if differed == pairs and noisy == 0 else PairOutcome.SOMETIMES
    return PairReplay(outcome, differed, noisy, pairs, old[0], new[0])
