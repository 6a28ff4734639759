"""Business counters: how often something that matters happened on each side, from a metrics URL or a query.

A counter decides only when it counts cohort keys (``per_key``), such as customers who placed an order; a count of requests under
sticky cohorts is described and decides nothing, for there one busy key would count a thousand times.
"""

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from caravan.migration.canary.errors import CounterUnreadableError
from caravan.migration.canary.metrics import KeyCounts, Metric, Reading

__all__ = ["Counter", "Read", "Samples", "from_key_query", "from_metrics", "from_metrics_url", "from_query"]

_MOST_BYTES: Final = 16 * 1024 * 1024


Read: TypeAlias = Callable[[], Awaitable[Reading | KeyCounts]]
"""Raises ``CounterUnreadableError``."""


@dataclass(frozen=True, slots=True)
class Counter:
    """``fewer_is_worse`` for what the business wants (orders), else for what it fears (refunds)."""

    name: str
    read: Read = field(repr=False)
    fewer_is_worse: bool = True
    per_key: bool = False

    def metric(self, *, per_request: bool = False) -> Metric:
        """The metric of a stage that this counter feeds; it decides when what it counts is what was randomised."""
        return Metric(self.name, self.fewer_is_worse, decides=self.per_key or per_request)


@dataclass(frozen=True, slots=True)
class Samples:
    """Which samples of an exposition count: ``label`` tells the side, ``where`` are labels that all of them have."""

    metric: str
    label: str
    sides: tuple[str, str]
    where: Mapping[str, str] = field(default_factory=dict)


def from_metrics(text: str, samples: Samples, counter: str) -> Reading:
    """Add up the samples of both sides (canary's value of the label first); others count for nothing.

    ``text`` is in the Prometheus exposition format, version 0.0.4. Raises ``CounterUnreadableError``.
    """
    metric, label, sides = samples.metric, samples.label, samples.sides
    sums = dict.fromkeys(sides, 0.0)
    found = False
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                counted = sample.name == metric and samples.where.items() <= sample.labels.items()
                if counted and sample.labels.get(label) in sums:
                    sums[sample.labels[label]] += sample.value
                    found = True
    except ValueError as error:
        raise CounterUnreadableError(f"{counter}: no metrics text ({error})", counter=counter) from error
    if not found:
        raise CounterUnreadableError(
            f"{counter}: there is no {metric} with {label}={sides[0]} or {sides[1]}", counter=counter
        )
    if not all(map(math.isfinite, sums.values())):
        raise CounterUnreadableError(f"{counter}: {metric} is {sums}", counter=counter)
    return Reading(int(sums[sides[0]]), int(sums[sides[1]]))


def from_metrics_url(client: httpx2.AsyncClient, url: str, samples: Samples, counter: str) -> Read:
    """Read a counter from a metrics URL."""

    async def read() -> Reading:
        try:
            answer = await client.get(url, headers={"Accept": "text/plain; version=0.0.4"})
            answer.raise_for_status()
        except httpx2.HTTPError as error:
            raise CounterUnreadableError(
                f"{counter}: {url} gave no metrics ({error})", counter=counter
            ) from error
        if len(answer.content) > _MOST_BYTES:
            raise CounterUnreadableError(f"{counter}: {url} gave more than 16 MiB", counter=counter)
        return from_metrics(answer.text, samples, counter)

    return read


def from_query(
    run: Callable[[], Awaitable[Mapping[str, int]]], *, sides: tuple[str, str], counter: str
) -> Read:
    """Read a counter by a query that returns a total per side's name, such as ``SELECT side, count(DISTINCT customer) … GROUP BY``."""

    async def read() -> Reading:
        try:
            totals = await run()
        except Exception as error:
            raise CounterUnreadableError(f"{counter}: the query failed ({error})", counter=counter) from error
        return Reading(int(totals.get(sides[0], 0)), int(totals.get(sides[1], 0)))

    return read


def from_key_query(
    run: Callable[[], Awaitable[Iterable[tuple[str, str, int]]]], *, sides: tuple[str, str], counter: str
) -> Read:
    """Read a counter by a query whose rows are side's name, cohort key and count; rows of other sides count for nothing."""

    async def read() -> KeyCounts:
        counts: dict[str, dict[str, int]] = {side: {} for side in sides}
        try:
            for side, key, count in await run():
                if side in counts:
                    counts[side][str(key)] = counts[side].get(str(key), 0) + int(count)
        except Exception as error:
            raise CounterUnreadableError(f"{counter}: the query failed ({error})", counter=counter) from error
        return KeyCounts(counts[sides[0]], counts[sides[1]])

    return read
