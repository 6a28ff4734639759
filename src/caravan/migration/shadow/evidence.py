"""Evidence against a spot, by which the chance of ever reporting an innocent one is bounded, however often one looks.

Only discordant requests count: ``a`` where new differs and old-again does not, ``b`` the other way round. If new is another copy
of old, each is a fair coin. E is the Bayes factor of a Beta(½, ½) prior on the coin against ½; by Ville's inequality E ≥ 1/alpha ever
happens with a chance of at most alpha.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Evidence", "log_mixture", "separation_factor", "share_of_alpha"]

LAMBDA = 0.5
"""The part of the stake that is put on a re-asked request to separate."""


@dataclass(slots=True)
class Evidence:
    """``place`` is the number of the spot in order of its first discordant request, from 1; ``log_factor`` comes of re-asking."""

    place: int
    a: int = 0
    b: int = 0
    log_factor: float = 0.0
    separated: int = 0
    reasked: int = 0
    reported: bool = False

    @property
    def log_e(self) -> float:
        """The natural logarithm of E."""
        return log_mixture(self.a, self.b) + self.log_factor

    def count(self, *, new_differs: bool) -> None:
        """Take one discordant request."""
        if new_differs:
            self.a += 1
        else:
            self.b += 1

    def take_reasked(self, *, separated: bool, times: int) -> None:
        """Take a request that was asked ``times`` times on each side."""
        self.log_factor += math.log(separation_factor(times, separated=separated))
        self.reasked += 1
        self.separated += separated

    def settle(self, alpha: float) -> bool:
        """Tell whether the spot is reported by now; once reported it stays so."""
        if not self.reported and self.a > self.b:
            self.reported = self.log_e >= -math.log(share_of_alpha(alpha, self.place))
        return self.reported

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Evidence":
        return cls(**given)


def log_mixture(a: int, b: int) -> float:
    """Return ln(2^(a+b) · B(a+½, b+½) / B(½, ½)); B(½, ½) is π."""
    log_beta = math.lgamma(a + 0.5) + math.lgamma(b + 0.5) - math.lgamma(a + b + 1)
    return (a + b) * math.log(2) + log_beta - math.log(math.pi)


def share_of_alpha(alpha: float, place: int) -> float:
    """The part of alpha for the spot at this place: alpha·6/(π²·i²), which sums to alpha."""
    return alpha * 6 / (math.pi * place) ** 2


def separation_factor(times: int, *, separated: bool) -> float:
    """What E is multiplied with: 1 - λ + λ·C(2k, k)/2 when all old answers agree, all new agree, and the two differ.

    Among the C(2k, k) ways to call half of 2k exchangeable answers new, at most two separate them.
    """
    return 1 - LAMBDA + (LAMBDA * math.comb(2 * times, times) / 2 if separated else 0.0)
