"""How patient the process that runs jobs is. All times are seconds."""

from dataclasses import dataclass

__all__ = ["Policy"]


@dataclass(frozen=True, slots=True)
class Policy:
    """``lease`` is how long a slot stays its holder's without a sign of life.

    A guardian ends its program ``margin`` before that, so that nobody takes the slot while something still runs in it.
    ``at_once`` bounds the jobs of one process over all queues, ``last_grace`` what a program gets when the service goes.
    """

    lease: float = 20.0
    margin: float = 5.0
    poll: float = 2.0
    at_once: int = 16
    last_grace: float = 2.0
    sample: float = 0.5
    output_every: float = 0.4
    recover_patience: float = 10.0

    @property
    def heartbeat(self) -> float:
        """How often leases are renewed."""
        return self.lease / 5
