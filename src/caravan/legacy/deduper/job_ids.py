"""A job's number in an address."""

import re
from typing import Final

__all__ = ["read_job_id"]

_CANONICAL: Final = re.compile(r"[1-9][0-9]{0,17}")


def read_job_id(segment: str) -> int | None:
    """Return the number when it is written as we write it; ``007``, ``+7`` and what no job can have are no id."""
    return int(segment) if _CANONICAL.fullmatch(segment) else None
