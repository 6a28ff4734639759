"""Gates: what must be measured before a unit goes on. Shares are between 0 and 1, times seconds."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from caravan.migration.config.table import HttpUrl, Name, Seconds, Share, Table, matching

__all__ = ["Canary", "Counter", "Gates", "Shadow"]

_ROLE: Final = r"(header|cookie|query):[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_Positive = Annotated[float, Field(gt=0, lt=1)]
_Percent = Annotated[float, Field(gt=0, le=100)]


class Gates(Table):
    """``alpha`` bounds the chance of any false alarm, ever.

    ``coverage``: how much of a contract must have been seen. ``max_mismatch``: the share of judged exchanges that may differ
    unexplained, ``max_differences`` as many places with evidence against them: both bounds hold at once. ``most_undetected``: as many exchanges are judged as rule out a defect on a larger share (95 %). ``lag``: how
    far behind a copy may be. ``r0`` and ``delta``: a canary is promoted when its rate of events is surely below
    max((1+delta) times the old side's, r0). ``latency_band``: how much higher its p95 may be. ``min_keys``: cohort keys per
    stage. ``latency_keys``: for how many keys of each side the bands of its p95 are made, at which they are tightest; fewer is for
    stages of few keys, and dearer at many. ``stages``: percent of the keys. ``soak``: how long each stage lasts at least. ``fresh``: how old a measurement may be.
    ``drill``: how old the certificate of the last drill may be when a unit is completed.
    """

    alpha: _Positive = 0.01
    coverage: Share = 0.8
    max_mismatch: Share = 0.0
    max_differences: Annotated[int, Field(ge=0)] = 0
    most_undetected: _Positive = 0.01
    lag: Seconds = 5.0
    r0: Share = 0.001
    delta: Annotated[float, Field(ge=0, le=10)] = 0.1
    latency_band: Annotated[float, Field(ge=0, le=10)] = 0.2
    min_keys: Annotated[int, Field(ge=1)] = 3000
    latency_keys: Annotated[int, Field(ge=20, le=1_000_000)] = 1000
    stages: tuple[_Percent, ...] = Field(default=(1, 5, 25, 50, 100), min_length=1)
    soak: Seconds = 3600.0
    fresh: Seconds = 86_400.0
    drill: Seconds = 604_800.0

    @field_validator("stages")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(one >= two for one, two in pairwise(value)):
            raise ValueError(
                "does not rise; write each stage greater than the one before, such as [1, 5, 25, 50, 100]"
            )
        return value


class Shadow(Table):
    """``sample`` of the exchanges are compared; asking the old side again may cost ``extra_load`` of its requests.

    ``p95_rise``: asking stops when the old side's p95 rises by more. ``reask_times`` is how often each side is asked about a
    rare difference, ``reask_limit`` how many times one place may want that. ``dry_run_writes``: writes run on the new side in a
    transaction that is rolled back. ``contract``: the frozen contract whose parameters and classes of status have to be seen.
    ``roles`` as well: values of ``role`` (``header:NAME``, ``cookie:NAME`` or ``query:NAME``), which tells what a client may do.
    """

    sample: Share = 0.0
    extra_load: Share = 0.01
    p95_rise: Annotated[float, Field(gt=0, le=10)] = 0.2
    reask_times: Annotated[int, Field(ge=2, le=50)] = 8
    reask_limit: Annotated[int, Field(ge=0, le=100)] = 3
    timeout: Annotated[float, Field(gt=0, le=600)] = 10.0
    dry_run_writes: bool = False
    contract: Path | None = None
    role: (
        Annotated[str, AfterValidator(matching(_ROLE, "tells no role; write one such as header:X-Role"))]
        | None
    ) = None
    roles: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _told_by_something(self) -> "Shadow":
        if self.roles and self.role is None:
            raise ValueError('names roles and not what tells them; add role = "header:NAME"')
        return self


class Counter(Table):
    """A figure of the business that a canary watches: events counted per arm.

    ``metrics``: ``url`` of a Prometheus exposition and ``query``, the name of a counter with its labels. ``sql``: ``query`` that
    returns (arm, cohort key, count) from ``source`` of ``[sources]``, or the target when absent.
    """

    name: Annotated[
        str,
        AfterValidator(matching(r"[a-z][a-z0-9_]{0,62}", "is no short name; write one such as orders_paid")),
    ]
    kind: Literal["metrics", "sql"]
    query: Name | Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
    url: HttpUrl | None = None
    source: Name | None = None
    harm: Literal["more", "fewer"] = "more"

    @model_validator(mode="after")
    def _its_own_place(self) -> "Counter":
        if self.kind == "metrics" and self.url is None:
            raise ValueError("a counter of kind metrics needs url; add the address of the exposition")
        if self.kind == "metrics" and self.source is not None:
            raise ValueError("a counter of kind metrics has no source; remove it")
        if self.kind == "sql" and self.url is not None:
            raise ValueError("a counter of kind sql has no url; name a source, or none for the target")
        return self


class Canary(Table):
    """``warm_up``: seconds of each stage that are not counted."""

    warm_up: Seconds = 60.0
    counters: tuple[Counter, ...] = ()
