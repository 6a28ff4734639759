"""What a flow of changes is to those who wait for it: the cutover, the console, the guards.

A flow carries the changes of one source of a migration to the other side: ``forward`` from the legacy store to ours, ``reverse`` back.
Its row in ``engine.flows`` is written in the transaction that commits the rows it applied, so one snapshot of our database is data
and the exact position of the source it stands for.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

__all__ = ["Direction", "FlowMode", "FlowState", "Lag"]

Direction: TypeAlias = Literal["forward", "reverse"]
FlowState: TypeAlias = Literal["running", "stopped", "failed"]
FlowMode: TypeAlias = Literal["apply", "watch"]
"""A flow that watches applies nothing: it follows the passive side and tells what nobody of ours wrote there."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a flow is behind.

    ``seconds`` since the oldest change not applied was committed (0 when there is none),
    ``transactions`` read and not applied, None where nobody knows; ``at`` is when it was measured.
    """

    seconds: float
    transactions: int | None
    at: datetime
