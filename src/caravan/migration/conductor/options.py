"""What a conductor is told beside the migration file."""

from dataclasses import dataclass
from pathlib import Path

from caravan.migration.recording import Recorder
from caravan.migration.shadow import DryRunKey

__all__ = ["ConductorOptions"]


@dataclass(frozen=True, slots=True)
class ConductorOptions:
    """``tap`` is the socket the gateways write to. ``every``: seconds between two looks; saves are at least a second apart.

    ``promotes``: stages are widened when their bounds allow it; False leaves that to people. Rollbacks are always made.
    ``waiting`` comparisons at most, by ``askers`` at once. ``webhook_secret`` signs alarms, ``dry_run`` the writes that the new
    side is to take back. ``recorder`` gets every exchange as well, for the recording of this ``recording``'s name.
    """

    tap: Path
    name: str
    every: float = 0.5
    save_every: float = 1.0
    counters_every: float = 5.0
    promotes: bool = True
    waiting: int = 200
    askers: int = 8
    webhook_secret: str | None = None
    dry_run: DryRunKey | None = None
    recorder: Recorder | None = None
    recording: str = ""
