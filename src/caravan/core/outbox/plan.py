"""What a child of the worker is, as its supervisor writes it and the child reads it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from caravan.core.database.connection import DatabaseAddress
from caravan.core.outbox.policy import Policy
from caravan.core.settings import Settings

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a child is and needs. ``modules`` register handlers and schedules; ``companions`` are "module:function"."""

    part: Literal["tasks", "loops"]
    settings: Settings
    address: DatabaseAddress
    valkey_socket: Path | None = None
    policy: Policy = field(default_factory=Policy)
    concurrency: int = 2
    modules: Sequence[str] = ()
    companions: Sequence[str] = ()
