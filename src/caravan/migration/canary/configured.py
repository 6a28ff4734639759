"""A canary's stages and counters as a migration file declares them."""

import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Final, TypeAlias

import httpx2

from caravan.migration.canary.counters import Counter, Samples, from_key_query, from_metrics_url
from caravan.migration.canary.errors import CanarySettingsError
from caravan.migration.canary.metrics import Metric
from caravan.migration.canary.stage import ERRORS, MISMATCHES, StageSettings
from caravan.migration.config import MigrationConfig

__all__ = ["ARMS", "ARM_LABEL", "RunQuery", "counters_of", "stage_settings"]

ARMS: Final = ("new", "old")
"""What the canary's side and the baseline's are called in labels and in rows."""

ARM_LABEL: Final = "arm"

RunQuery: TypeAlias = Callable[[str, str | None], Awaitable[Iterable[tuple[str, str, int]]]]
"""Runs a query on a source of the file (None: the target); rows are arm, cohort key and count."""

_SELECTOR: Final = re.compile(r"(?P<metric>[a-zA-Z_:][\w:]*)\s*(\{(?P<labels>[^{}]*)\})?")
_LABEL: Final = re.compile(r'\s*(?P<name>[a-zA-Z_]\w*)\s*=\s*"(?P<value>[^"]*)"\s*')


def stage_settings(config: MigrationConfig, percent: float, *, per_request: bool = False) -> StageSettings:
    """Return how a stage with ``percent`` of the keys is judged; its name is ``5%``.

    A counter of a query has keys and decides; one of a metrics URL has none, and decides only where each request is split by
    itself. Raises ``CanarySettingsError`` for 100 %: without a baseline nothing can be compared.
    """
    gates, canary = config.gates, config.canary
    name = f"{percent:g}%"
    if percent >= 100:  # noqa: PLR2004 - per cent
        raise CanarySettingsError(
            f"{name}: nobody is left to compare with; such a stage is watched by its alarms"
        )
    counters = tuple(
        Metric(each.name, each.harm == "fewer", decides=per_request or each.kind == "sql")
        for each in canary.counters
    )
    return StageSettings(
        name,
        percent / 100,
        (Metric(ERRORS), Metric(MISMATCHES), *counters),
        per_request=per_request,
        alpha=gates.alpha,
        slack=gates.delta,
        declared_rate=gates.r0,
        latency_slack=gates.latency_band,
        latency_keys=gates.latency_keys,
        warm_up=timedelta(seconds=canary.warm_up),
        least=timedelta(seconds=gates.soak),
        least_keys=gates.min_keys,
    )


def counters_of(config: MigrationConfig, client: httpx2.AsyncClient, run: RunQuery) -> list[Counter]:
    """Return the declared counters, ready to be read. Raises ``CanarySettingsError`` for a selector that is none."""
    made = []
    for each in config.canary.counters:
        fewer = each.harm == "fewer"
        if each.kind == "metrics":
            samples = _samples(each.name, str(each.query))
            made.append(
                Counter(each.name, from_metrics_url(client, str(each.url), samples, each.name), fewer)
            )
        else:
            read = from_key_query(_bound(run, str(each.query), each.source), sides=ARMS, counter=each.name)
            made.append(Counter(each.name, read, fewer, per_key=True))
    return made


def _bound(
    run: RunQuery, query: str, source: str | None
) -> Callable[[], Awaitable[Iterable[tuple[str, str, int]]]]:
    return lambda: run(query, source)


def _samples(counter: str, selector: str) -> Samples:
    """Read ``name{label="value", …}``; the label of the arm is not part of it."""
    match = _SELECTOR.fullmatch(selector.strip())
    labels = (
        [_LABEL.fullmatch(part) for part in (match["labels"] or "").split(",") if part.strip()]
        if match
        else []
    )
    where = {label["name"]: label["value"] for label in labels if label}
    if match is None or len(where) < len(labels) or ARM_LABEL in where:
        raise CanarySettingsError(
            f'{counter}: {selector} selects no counter; write a name with labels, such as paid_total{{shop="a"}},'
            f" its samples have the label {ARM_LABEL} with {ARMS[0]} or {ARMS[1]}"
        )
    return Samples(match["metric"], ARM_LABEL, ARMS, where)
