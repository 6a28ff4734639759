"""Who holds slots: one process, and a lock file by which others on the same disk see at once that it has died."""

import contextlib
import os
import shutil
import socket
import time
from collections.abc import Iterable
from pathlib import Path

from caravan.core.embedded.locks import release, try_exclusive
from caravan.core.ids import uuid7

__all__ = ["Holder", "dead_holders", "sweep_folder"]


class Holder:
    """The kernel drops the lock with the process, however it ends."""

    def __init__(self, folder: Path) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid7().hex[-12:]}"
        self._path = _lock_of(folder, self.name)
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = try_exclusive(self._path)

    def close(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
            release(self._lock)
            self._lock = None


def dead_holders(folder: Path, names: Iterable[str]) -> list[str]:
    """Return which of these held a lock below ``folder`` and live no more; those of other disks are not judged."""
    return [name for name in names if _is_dead(_lock_of(folder, name))]


def sweep_folder(folder: Path, older_than: float = 86_400.0) -> None:
    """Remove the locks of the dead, and reports that nobody took over, when they are so many seconds old."""
    before = time.time() - older_than
    for lock in (folder / "holders").glob("*.lock"):
        if _is_older(lock, before) and _is_dead(lock):
            lock.unlink(missing_ok=True)
    for report in (folder / "running").glob("*/result.json"):
        if _is_older(report, before):
            shutil.rmtree(report.parent, ignore_errors=True)


def _is_older(path: Path, moment: float) -> bool:
    try:
        return path.stat().st_mtime < moment
    except OSError:
        return False


def _is_dead(path: Path) -> bool:
    if not path.exists():
        return False
    lock = try_exclusive(path)
    if lock is None:
        return False
    release(lock)
    return True


def _lock_of(folder: Path, name: str) -> Path:
    return folder / "holders" / f"{name.replace('/', '_')}.lock"
