"""How often, how long and how patiently events are delivered."""

import random
from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Policy"]


@dataclass(frozen=True, slots=True)
class Policy:
    """Times are seconds.

    ``window`` bounds what is relayed and not done, so that the broker's queue stays short. An event is relayed again
    ``visibility`` after it was, once a later heartbeat has come through its queue; ``handler_timeout``, which ends one
    handler's run, is less than that.
    ``max_relays`` parks what was sent so often and never came back: a worker that dies of it leaves no failure.
    """

    queue: str = "caravan"
    batch: int = 100
    window: int = 1000
    poll: float = 1.0
    visibility: float = 120.0
    handler_timeout: float = 50.0
    max_failures: int = 8
    max_relays: int = 24
    first_pause: float = 1.0
    longest_pause: float = 300.0
    heartbeat: float = 10.0
    silence: float = 120.0

    def pause(self, failures: int) -> timedelta:
        """Return how long to wait after the n-th failure: doubling, between half and all of it, by chance."""
        whole = min(self.longest_pause, self.first_pause * 2 ** min(failures - 1, 30))
        return timedelta(seconds=whole * random.uniform(0.5, 1))  # noqa: S311 - spreads load, keeps no secret
