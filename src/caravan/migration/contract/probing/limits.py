"""How much probing may ask."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["ProbeLimits"]


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """At most ``examples`` per route and ``seconds`` in all, ``per_second`` requests to each side; ``routes`` are patterns."""

    routes: Sequence[str] = ()
    examples: int = 50
    seconds: float = 60.0
    per_second: float | None = None
    seed: int = 0
