"""What the recording beside the comparison has come to."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from caravan.migration.conductor.options import ConductorOptions

__all__ = ["recorder_figures"]


def recorder_figures(options: ConductorOptions) -> Callable[[], dict[str, Any]]:
    """Return what tells name and counts of the recording; empty where nothing is recorded."""
    recorder = options.recorder
    if recorder is None:
        return dict
    return lambda: {"name": options.recording, **asdict(recorder.counts)}
