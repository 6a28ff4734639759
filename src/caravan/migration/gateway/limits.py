"""How much and how long the gateway waits for."""

from dataclasses import dataclass
from typing import Final

__all__ = ["KEPT_BODY", "Limits"]

KEPT_BODY: Final = 1_048_576
"""The longest body that is kept: for a held write, and for a sampled exchange (beyond it length and hash remain)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes are bytes, times seconds."""

    target_bytes: int = 8_192
    head_bytes: int = 32_768
    headers: int = 100
    pipelined_bytes: int = 65_536
    clients: int = 20_000

    head_seconds: float = 10.0
    idle_seconds: float = 75.0
    body_seconds: float = 30.0
    connect_seconds: float = 3.0
    answer_seconds: float = 60.0
    stream_seconds: float = 300.0
    tunnel_seconds: float = 3_600.0
    half_closed_seconds: float = 30.0
    linger_seconds: float = 2.0
    drain_seconds: float = 15.0

    side_connections: int = 1_024
    side_waiting: int = 4_096
    side_idle_seconds: float = 30.0
    write_reuse_seconds: float = 1.0
    """A write takes no connection that was idle for longer: a server may just be closing it, and a write is sent once."""

    hold_seconds: float = 1.0
    hold_requests: int = 1_000
    hold_bytes: int = 33_554_432
    lease_seconds: float = 5.0
