"""Turns the counts of a stage into a decision: harm rolls back, doubt holds, proven safety promotes."""

import math
from datetime import datetime

from caravan.migration.canary.decisions import Action, CountFigures, Decision, LatencyFigures, RatioFigures
from caravan.migration.canary.metrics import Metric
from caravan.migration.canary.quantile_bands import quantile_band
from caravan.migration.canary.stage import Stage
from caravan.migration.canary.upper_bound import lower_rate, upper_rate

__all__ = ["decide"]


def decide(stage: Stage, now: datetime) -> Decision:
    """Look at a stage; may be asked as often as one likes, all bounds hold at every look at once."""
    ratio = _ratio(stage)
    counts = tuple(_count(stage, metric) for metric in stage.settings.metrics)
    latencies = tuple(_latency(stage, place, name) for place, name in enumerate(stage.latencies, 1))
    harm = [_count_harm(each) for each in counts if each.harmed]
    harm += [_latency_harm(each) for each in latencies if each.harmed]
    doubts = _doubts(stage, now, ratio, counts, latencies)
    if harm:
        action, reasons = Action.ROLL_BACK, harm
    elif doubts:
        action, reasons = Action.HOLD, doubts
    else:
        action, reasons = Action.PROMOTE, ["every bound is within what was declared"]
    return Decision(
        action, stage.settings.name, now, stage.settings.alpha, tuple(reasons), ratio, counts, latencies
    )


def _share_of_alpha(stage: Stage, alpha: float) -> float:
    """Each deciding metric, and latency as a whole, has the same part of alpha."""
    return alpha / (sum(metric.decides for metric in stage.settings.metrics) + 1)


def _ratio(stage: Stage) -> RatioFigures:
    ratio, alpha = stage.ratio, stage.settings.ratio_alpha
    return RatioFigures(
        ratio.share, ratio.canary, ratio.baseline, ratio.log_factor, -math.log(alpha), ratio.mismatched(alpha)
    )


def _count(stage: Stage, metric: Metric) -> CountFigures:
    split, keys, settings = stage.splits[metric.name], stage.ratio, stage.settings
    alpha = _share_of_alpha(stage, settings.alpha)
    half = _share_of_alpha(stage, settings.promote_alpha) / 2
    canary = (min(split.canary, keys.canary), keys.canary, half, settings.declared_rate)
    baseline = (min(split.baseline, keys.baseline), keys.baseline, half, settings.declared_rate)
    if metric.fewer_is_worse:
        bound, enough = lower_rate(*canary), (1 - settings.slack) * upper_rate(*baseline)
        safe = keys.canary > 0 and bound >= enough
    else:
        bound = upper_rate(*canary)
        enough = max((1 + settings.slack) * lower_rate(*baseline), settings.declared_rate)
        safe = bound <= enough
    return CountFigures(
        metric.name,
        metric.fewer_is_worse,
        metric.decides,
        split.canary,
        split.baseline,
        keys.canary,
        keys.baseline,
        split.log_factor,
        -math.log(alpha),
        bound,
        enough,
        metric.decides and split.harmed(alpha),
        safe or not metric.decides,
    )


def _latency(stage: Stage, place: int, stratum: str) -> LatencyFigures:
    settings = stage.settings
    p = settings.quantile or 0.0
    canary_sketch, baseline_sketch = stage.latencies[stratum]
    # Strata share the part of latency by the order of their first value, as spots of a comparison do; two sides, two halves.
    spent = 6 / (math.pi * place) ** 2 / 2
    alpha = _share_of_alpha(stage, settings.alpha) * spent
    promote = _share_of_alpha(stage, settings.promote_alpha) * spent
    tuned = settings.latency_keys
    canary = quantile_band(canary_sketch, p, alpha, tuned)
    baseline = quantile_band(baseline_sketch, p, alpha, tuned)
    limit = baseline.high * (1 + settings.latency_slack)
    calm = quantile_band(baseline_sketch, p, promote, tuned).low * (1 + settings.latency_slack)
    return LatencyFigures(
        stratum,
        p,
        canary.low,
        canary.middle,
        canary.high,
        baseline.low,
        baseline.middle,
        baseline.high,
        canary.values,
        baseline.values,
        limit,
        calm,
        canary.low > limit,
        quantile_band(canary_sketch, p, promote, tuned).high <= calm,
    )


def _count_harm(figures: CountFigures) -> str:
    return (
        f"{figures.metric}: {figures.canary_events} of {figures.canary_keys} keys in the canary, "
        f"{figures.baseline_events} of {figures.baseline_keys} outside; ln B = {figures.log_factor:.2f} "
        f"is at least {figures.rolls_back_at:.2f}"
    )


def _latency_harm(figures: LatencyFigures) -> str:
    return (
        f"{figures.stratum}: the canary's p{figures.quantile * 100:g} is above {figures.canary_low:.4f} s, "
        f"the baseline's below {figures.baseline_high:.4f} s, and {figures.rolls_back_above:.4f} s was the limit"
    )


def _doubts(
    stage: Stage,
    now: datetime,
    ratio: RatioFigures,
    counts: tuple[CountFigures, ...],
    latencies: tuple[LatencyFigures, ...],
) -> list[str]:
    settings = stage.settings
    doubts = []
    if ratio.mismatched:
        doubts.append(
            f"the split is not the declared {settings.share:.2%}: {ratio.canary_keys} keys in the canary, "
            f"{ratio.baseline_keys} outside"
        )
    if now < stage.started + settings.warm_up + settings.least:
        doubts.append(f"the stage is younger than {settings.warm_up + settings.least}")
    if ratio.canary_keys < settings.least_keys:
        doubts.append(f"{ratio.canary_keys} keys have met the canary, {settings.least_keys} have to")
    doubts += [f"{name} could not be read: {reason}" for name, reason in sorted(stage.unread.items())]
    doubts += [
        f"{each.metric}: the bound {each.bound:.4%} is not yet within {each.promotes_below:.4%}"
        for each in counts
        if not each.safe
    ]
    doubts += [
        f"{each.stratum}: the quantile is not yet known closely enough" for each in latencies if not each.safe
    ]
    if settings.quantile is not None and not latencies:
        doubts.append("no durations were seen")
    return doubts
