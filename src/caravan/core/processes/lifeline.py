"""A child's promise to end with its parent, also when the parent is killed and can tell nobody."""

import ctypes
import os
import signal
import sys
import threading
import time
from typing import Final

__all__ = ["PARENT", "end_with_parent", "end_with_supervisor"]

PARENT: Final = "CARAVAN_PARENT"
"""The variable in which a supervisor tells its children who it is."""

_PR_SET_PDEATHSIG: Final = 1
_LOOK_EVERY: Final = 0.5


def end_with_supervisor(by: signal.Signals = signal.SIGTERM) -> None:
    """Promise it to the supervisor that started this process; does nothing when none did. Its own children never see the variable."""
    if parent := os.environ.pop(PARENT, None):
        end_with_parent(int(parent), by)


def end_with_parent(parent: int, by: signal.Signals = signal.SIGTERM) -> None:
    """Have this process get the signal ``by`` when process ``parent`` ends; returns at once.

    On Linux the kernel tells us (prctl(2), PR_SET_PDEATHSIG); elsewhere a thread looks twice a second.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, by, 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent, by), name="lifeline", daemon=True).start()
    if os.getppid() != parent:  # it ended before we asked
        os.kill(os.getpid(), by)


def _watch(parent: int, by: signal.Signals) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    os.kill(os.getpid(), by)
