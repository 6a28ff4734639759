"""How a demonstration begins and ends: a folder of its own, whatever happens nothing left running, and the promises counted."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final

import psutil

from caravan.core.errors import CaravanError
from scripts.demo.promises import Promises
from scripts.drill.record import DrillError
from scripts.drill.sides import left_over

__all__ = ["LONGEST", "shown", "stay_up", "stays"]

LONGEST: Final = 480.0
"""Seconds that a demonstration may take."""


class _StayedError(Exception):
    """It stayed up until somebody had seen enough."""


def shown(show: Callable[[Promises, Path], None]) -> int:
    """Show it in a folder of its own; returns the exit code: 0 when every promise was kept."""
    signal.signal(signal.SIGTERM, _interrupted)
    promises = Promises(lambda line: print(line, flush=True))
    home = Path(tempfile.mkdtemp(prefix="demo"))  # short: sockets have to fit below it
    began = time.monotonic()
    try:
        show(promises, home)
    except (DrillError, CaravanError) as error:
        promises.told("the demonstration comes to its end", str(error), holds=False)
    except _StayedError:
        print("\nending", flush=True)
    except KeyboardInterrupt:
        promises.told("the demonstration comes to its end", "interrupted", holds=False)
    finally:
        took = (promises.ended or time.monotonic()) - began
        left = left_over(home)
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        if promises.passed:
            shutil.rmtree(home, ignore_errors=True)
        else:
            print(f"logs are in {home}", flush=True)
    promises.told("nothing is left running", f"{len(left)} processes", holds=not left)
    promises.told("within 8 minutes", f"{took:.0f} s", holds=took <= LONGEST)
    print(f"\n{len(promises.kept)} promises kept, {len(promises.broken)} broken")
    return 0 if promises.passed else 1


def stays() -> bool:
    """Whether the last part is to stay up."""
    return os.environ.get("STAY") == "1"


def stay_up(promises: Promises, console: str, port: int) -> None:
    """Say where to look, and wait for Ctrl-C."""
    promises.ended = time.monotonic()
    print(f"\nthis part stays up; Ctrl-C ends it\n  gateway http://127.0.0.1:{port}\n  {console}", flush=True)
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:
        raise _StayedError from None


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
