"""Rate limits: fixed windows counted in Redis, leased to each process in small blocks."""

from caravan.core.limits.limiter import Limit, Limiter, RateLimitedError, Verdict

__all__ = ["Limit", "Limiter", "RateLimitedError", "Verdict"]
