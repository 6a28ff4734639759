"""Loads legacy data: chunks with a ledger, a quarantine, verification and a way back. The one door of this room.

What it offers is imported when it is asked for: worker processes import this package too, and need none of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from caravan.migration.load.errors import (
        LoadInterruptedError,
        LoadRunningError,
        LoadStoppedError,
        PlanError,
        UndoRefusedError,
    )
    from caravan.migration.load.progress import (
        LineProgress,
        NoProgress,
        Progress,
        TerminalProgress,
        progress_for,
    )
    from caravan.migration.load.purging import purge
    from caravan.migration.load.report import LoadReport, VerifyReport
    from caravan.migration.load.report_page import load_report_page
    from caravan.migration.load.report_terminal import print_load_report, print_verify_report
    from caravan.migration.load.request import DEFAULT_WORKERS, LoadRequest, Tenants
    from caravan.migration.load.run import run_load
    from caravan.migration.load.undoing import undo
    from caravan.migration.load.verification import verify

__all__ = [
    "DEFAULT_WORKERS",
    "LineProgress",
    "LoadInterruptedError",
    "LoadReport",
    "LoadRequest",
    "LoadRunningError",
    "LoadStoppedError",
    "NoProgress",
    "PlanError",
    "Progress",
    "Tenants",
    "TerminalProgress",
    "UndoRefusedError",
    "VerifyReport",
    "load_report_page",
    "print_load_report",
    "print_verify_report",
    "progress_for",
    "purge",
    "run_load",
    "undo",
    "verify",
]

_PLACES: Final = {
    "DEFAULT_WORKERS": "request",
    "LineProgress": "progress",
    "LoadInterruptedError": "errors",
    "LoadReport": "report",
    "LoadRequest": "request",
    "LoadRunningError": "errors",
    "LoadStoppedError": "errors",
    "NoProgress": "progress",
    "PlanError": "errors",
    "Progress": "progress",
    "Tenants": "request",
    "TerminalProgress": "progress",
    "UndoRefusedError": "errors",
    "VerifyReport": "report",
    "load_report_page": "report_page",
    "print_load_report": "report_terminal",
    "print_verify_report": "report_terminal",
    "progress_for": "progress",
    "purge": "purging",
    "run_load": "run",
    "undo": "undoing",
    "verify": "verification",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: whatever the name stands for
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
