"""What a caller may read of a failure that has no answer of its own."""

from caravan.core.errors import CaravanError
from caravan.core.http.errors import InternalError
from caravan.core.http.outages import as_outage

__all__ = ["told"]


def told(error: Exception) -> str:
    """Return our words for an outage or an error of ours; of anything else nothing is given away."""
    known = as_outage(error) or (error if isinstance(error, CaravanError) else InternalError())
    return known.message
