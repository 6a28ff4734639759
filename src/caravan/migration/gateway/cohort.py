"""Who belongs to a cohort: a stable hash, so that a client stays where it is, in every process and after every restart."""

import hashlib
from typing import Final

__all__ = ["BUCKETS", "bucket", "threshold"]

BUCKETS: Final = 1 << 53
"""Every share that a float can say is a whole number of buckets."""


def bucket(salt: str, key: bytes) -> int:
    """Return the bucket of a key, 0 up to ``BUCKETS``: the first 53 bits of SHA-256(salt, a zero byte, key).

    A key is a member when its bucket is below ``threshold(share)``: with the same salt, whoever is a member at one share
    is one at every greater share.
    """
    digest = hashlib.sha256(salt.encode() + b"\0" + key).digest()
    return int.from_bytes(digest[:7]) >> 3


def threshold(share: float) -> int:
    """Return how many buckets belong to a share between 0 and 1."""
    return int(share * BUCKETS)
