"""Decides about a canary with bounded error rates, however often it looks. The one door of this room."""

from caravan.migration.canary.configured import ARM_LABEL, ARMS, RunQuery, counters_of, stage_settings
from caravan.migration.canary.counters import (
    Counter,
    Samples,
    from_key_query,
    from_metrics,
    from_metrics_url,
    from_query,
)
from caravan.migration.canary.deciding import decide
from caravan.migration.canary.decisions import Action, CountFigures, Decision, LatencyFigures, RatioFigures
from caravan.migration.canary.description import Description, describe
from caravan.migration.canary.errors import CanarySettingsError, CounterUnreadableError
from caravan.migration.canary.metrics import KeyCounts, Metric, Reading
from caravan.migration.canary.stage import ERRORS, MISMATCHES, Observation, Stage, StageSettings
from caravan.migration.canary.watching import watch

__all__ = [
    "ARMS",
    "ARM_LABEL",
    "ERRORS",
    "MISMATCHES",
    "Action",
    "CanarySettingsError",
    "CountFigures",
    "Counter",
    "CounterUnreadableError",
    "Decision",
    "Description",
    "KeyCounts",
    "LatencyFigures",
    "Metric",
    "Observation",
    "RatioFigures",
    "Reading",
    "RunQuery",
    "Samples",
    "Stage",
    "StageSettings",
    "counters_of",
    "decide",
    "describe",
    "from_key_query",
    "from_metrics",
    "from_metrics_url",
    "from_query",
    "stage_settings",
    "watch",
]
