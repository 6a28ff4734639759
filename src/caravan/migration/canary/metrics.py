"""What is counted in a stage."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["KeyCounts", "Metric", "Reading"]


@dataclass(frozen=True, slots=True)
class Metric:
    """Something that happens to a key or does not. ``decides`` False: it is described only (a counter of requests)."""

    name: str
    fewer_is_worse: bool = False
    decides: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """Totals of a counter since whenever; a stage looks at what was added since it began."""

    canary: int
    baseline: int


@dataclass(frozen=True, slots=True)
class KeyCounts:
    """How often it happened to each cohort key, by side; a key without an event may be left out."""

    canary: Mapping[str, int]
    baseline: Mapping[str, int]

    def of(self, *, in_canary: bool) -> Mapping[str, int]:
        """The counts of one side."""
        return self.canary if in_canary else self.baseline
