"""One stage of a canary: takes what happened, key by key, and decides whether to promote, to hold or to roll back."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from caravan.migration.canary.cohort_keys import CohortKeys
from caravan.migration.canary.counts import EventSplit
from caravan.migration.canary.errors import CanarySettingsError
from caravan.migration.canary.latency_sketch import LatencySketch
from caravan.migration.canary.metrics import KeyCounts, Metric, Reading
from caravan.migration.canary.quantile_bands import TUNED_FOR
from caravan.migration.canary.sample_ratio import SampleRatio
from caravan.migration.canary.upper_bound import DECLARED_RATE

__all__ = ["ERRORS", "MISMATCHES", "Observation", "Stage", "StageSettings"]

ERRORS: Final = "errors"
MISMATCHES: Final = "mismatches"
_KEYS: Final = "keys"


@dataclass(frozen=True, slots=True)
class StageSettings:
    """``share`` is the canary's hash share; ``per_request`` says that each request is split by itself, so each is its own key.

    ``alpha`` bounds the chance of ever rolling an innocent stage back, shared out over metrics and latency; ``promote_alpha``
    that of promoting a harmful one. ``slack`` is delta, for rates and for the quantile; ``declared_rate`` is r0. Observations
    before the end of ``warm_up`` count for nothing, and nothing is promoted before ``least`` has passed and ``least_keys`` have met
    the canary. The bands of the quantile are tightest at ``latency_keys`` keys of a side.
    """

    name: str
    share: float
    metrics: tuple[Metric, ...] = (Metric(ERRORS), Metric(MISMATCHES))
    per_request: bool = False
    alpha: float = 0.01
    promote_alpha: float = 0.05
    ratio_alpha: float = 0.001
    slack: float = 0.2
    declared_rate: float = DECLARED_RATE
    quantile: float | None = 0.95
    latency_slack: float = 0.2
    latency_keys: int = TUNED_FOR
    warm_up: timedelta = timedelta(0)
    least: timedelta = timedelta(minutes=1)
    least_keys: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise CanarySettingsError(
                f"{self.name}: a share of {self.share:g} leaves one side without traffic"
            )
        if not 0 < self.alpha < 1 or not 0 < self.promote_alpha < 1:
            raise CanarySettingsError(f"{self.name}: alpha and promote_alpha are chances between 0 and 1")
        if len({metric.name for metric in self.metrics}) < len(self.metrics):
            raise CanarySettingsError(f"{self.name}: two metrics have one name")


@dataclass(frozen=True, slots=True)
class Observation:
    """What one request showed. ``events`` are names of metrics; ``stratum`` is its route, for latency.

    An event has to be looked for on both sides alike: a mismatch that only the canary's answers are checked for is always hers.
    """

    at: datetime
    key: str
    in_canary: bool
    events: tuple[str, ...] = ()
    seconds: float | None = None
    stratum: str = "all"


@dataclass(slots=True)
class Stage:
    """Everything counted since ``started``; plain, so that it can be kept and gone on with."""

    settings: StageSettings
    started: datetime
    splits: dict[str, EventSplit] = field(default_factory=dict)
    ratio: SampleRatio = field(init=False)
    keys: CohortKeys = field(default_factory=CohortKeys)
    latencies: dict[str, tuple[LatencySketch, LatencySketch]] = field(default_factory=dict)
    first_readings: dict[str, Reading] = field(default_factory=dict)
    first_counts: dict[str, KeyCounts] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ratio = SampleRatio(self.settings.share)
        for metric in self.settings.metrics:
            self.splits.setdefault(metric.name, EventSplit(self.settings.share, metric.fewer_is_worse))

    def observe(self, seen: Observation) -> None:
        """Take what one request showed; of each key the first event of each metric and the first duration of each stratum."""
        if seen.at < self.started + self.settings.warm_up:
            return
        if self._first(_KEYS, seen.key):
            self.ratio.take(in_canary=seen.in_canary)
        for event in sorted(set(seen.events)):
            self.count(event, seen.key, in_canary=seen.in_canary)
        if seen.seconds is None or self.settings.quantile is None:
            return
        if self._first(f"latency {seen.stratum}", seen.key):
            both = self.latencies.setdefault(seen.stratum, (LatencySketch(), LatencySketch()))
            both[0 if seen.in_canary else 1].take(seen.seconds)

    def count(self, metric: str, key: str, *, in_canary: bool) -> None:
        """Take an event of a key, such as a row of a query; of each key and metric the first. An unknown metric is ignored."""
        if metric in self.splits and self._first(f"event {metric}", key):
            self.splits[metric].take(in_canary=in_canary)

    def _first(self, metric: str, key: str) -> bool:
        return self.settings.per_request or self.keys.first(metric, key)

    def read_counter(self, name: str, reading: Reading | KeyCounts) -> None:
        """Take a counter: what was added since the first reading are the metric's events, of keys each one."""
        self.unread.pop(name, None)
        if isinstance(reading, KeyCounts):
            self._read_keys(name, reading)
            return
        first = self.first_readings.setdefault(name, reading)
        split = self.splits[name]
        split.canary = max(0, reading.canary - first.canary)
        split.baseline = max(0, reading.baseline - first.baseline)

    def _read_keys(self, name: str, counts: KeyCounts) -> None:
        known = self.first_counts.setdefault(name, counts)
        for in_canary in (True, False):
            before = known.of(in_canary=in_canary)
            for key, count in sorted(counts.of(in_canary=in_canary).items()):
                if count > before.get(key, 0):
                    self.count(name, key, in_canary=in_canary)

    def miss_counter(self, name: str, reason: str) -> None:
        """Note that a counter could not be read: nothing is promoted until it can."""
        self.unread[name] = reason

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON values; the settings are not part of it."""
        return {
            "started": self.started.isoformat(),
            "splits": {name: split.to_json() for name, split in self.splits.items()},
            "ratio": self.ratio.to_json(),
            "keys": self.keys.to_json(),
            "latencies": {
                stratum: [both[0].to_json(), both[1].to_json()] for stratum, both in self.latencies.items()
            },
            "first_readings": {
                name: [each.canary, each.baseline] for name, each in self.first_readings.items()
            },
            "first_counts": {
                name: [dict(each.canary), dict(each.baseline)] for name, each in self.first_counts.items()
            },
            "unread": dict(self.unread),
        }

    @classmethod
    def from_json(cls, given: dict[str, Any], settings: StageSettings) -> "Stage":
        stage = cls(
            settings,
            datetime.fromisoformat(given["started"]),
            {name: EventSplit.from_json(split) for name, split in given["splits"].items()},
            CohortKeys.from_json(given["keys"]),
            {
                stratum: (LatencySketch.from_json(canary), LatencySketch.from_json(baseline))
                for stratum, (canary, baseline) in given["latencies"].items()
            },
            {name: Reading(*each) for name, each in given["first_readings"].items()},
            {name: KeyCounts(*each) for name, each in given["first_counts"].items()},
            dict(given["unread"]),
        )
        stage.ratio = SampleRatio.from_json(given["ratio"])
        return stage
