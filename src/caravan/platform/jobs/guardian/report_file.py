"""The file in which the service finds how a program ended, also after it was away itself."""

import contextlib
import json
import os
from pathlib import Path

from .orders import Report

__all__ = ["ReportFile", "not_launched"]

_RESERVED = 65_536


class ReportFile:
    """Room is kept for it from the start: the disk may be full when it is written."""

    def __init__(self, folder: str) -> None:
        self._written = Path(folder, "result.tmp")
        self._descriptor = os.open(self._written, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with contextlib.suppress(OSError, AttributeError):
            os.posix_fallocate(self._descriptor, 0, _RESERVED)

    def write(self, report: Report) -> None:
        """Write the report and give the file its name; without room for all of it, how the program ended is still told."""
        try:
            self._overwrite(report)
        except OSError:
            report["progress"] = report["result"] = None
            report["error"] = report.get("error") or "The disk is full: the result could not be kept."
            self._overwrite(report)
        os.close(self._descriptor)
        self._written.replace(self._written.with_name("result.json"))

    def _overwrite(self, report: Report) -> None:
        content = json.dumps(report).encode()
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        left = content
        while left:
            left = left[os.write(self._descriptor, left) :]
        os.ftruncate(self._descriptor, len(content))


def not_launched(error: OSError) -> Report:
    """Return the report of a program that could not be executed."""
    launch = (error.errno or 0, str(error.filename or ""))
    return {"reason": "launch", "error": str(error), "launch": launch, "exit_code": None}
