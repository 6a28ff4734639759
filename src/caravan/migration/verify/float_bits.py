"""A double as the 16 hexadecimal digits of its bits: no two programs write its decimal form alike, and all keep its bits.

PostgreSQL gives them as ``encode(float8send(x), 'hex')``.
"""

import math
from struct import Struct
from typing import Final

__all__ = ["bits_of", "double_of"]

_DOUBLE: Final = Struct(">d")
_NAN: Final = "7ff8000000000000"


def bits_of(value: float) -> str:
    """Return the digits; every NaN has the same, 0 and -0 are told apart."""
    return _NAN if math.isnan(value) else _DOUBLE.pack(value).hex()


def double_of(bits: str) -> float:
    """Return the double; raises ``ValueError`` for what are no such digits."""
    raw = bytes.fromhex(bits)
    if len(raw) != _DOUBLE.size:
        raise ValueError(bits)
    (value,) = _DOUBLE.unpack(raw)
    return float(value)
