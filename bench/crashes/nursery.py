"""Forks the processes that are to die, from a process that has imported everything and opened nothing.

It has one thread and no connection, so that its children begin clean, and sooner than an interpreter would.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, TypeAlias

import psutil

from bench.crashes.points import Point, arm

__all__ = ["Ended", "Nursery", "Order"]

_LOOK: Final = 0.002
_LONGEST: Final = 90.0
_STOPPED: Final = 20.0

Work: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Order:
    """``work(*arguments)`` in a process of its own, which dies at a point, after so many seconds, or not at all.

    ``strike`` seeds whom a kill from outside hits: the process, or one of its own children where it has any.
    """

    work: Work
    arguments: tuple[Any, ...]
    log: Path
    point: Point | None = None
    passing: int = 1
    after: float | None = None
    strike: int | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """``code`` as ``subprocess`` has it, -9 for killed; ``told`` is what the work returned."""

    code: int
    told: Any
    seconds: float
    struck: bool = False

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL or self.struck


class Nursery:
    """Begin it before any thread or connection is there."""

    def __init__(self) -> None:
        self._pipe, theirs = Pipe()
        self._pid = os.fork()
        if self._pid == 0:
            self._pipe.close()
            _serve(theirs)
        theirs.close()

    def run(self, order: Order) -> Ended:
        """Run it to its end; one that takes longer than a minute and a half is killed and told so."""
        ended = self._asked("run", order)
        assert isinstance(ended, Ended), ended
        return ended

    def start(self, order: Order) -> int:
        """Begin it and return its process id, which stays its own until ``end``."""
        pid = self._asked("start", order)
        assert isinstance(pid, int), pid
        return pid

    def end(self, pid: int, number: int = signal.SIGTERM) -> int:
        """End one that was started, by this signal; returns its code."""
        code = self._asked("end", pid, number)
        assert isinstance(code, int), code
        return code

    def close(self) -> None:
        """End it, and what it has started."""
        self._pipe.close()
        os.waitpid(self._pid, 0)

    def _asked(self, *order: object) -> object:
        self._pipe.send(order)
        try:
            told: object = self._pipe.recv()
        except EOFError:
            raise RuntimeError("the nursery has ended; it has said why") from None
        return told


def _serve(pipe: Connection) -> None:
    started: list[int] = []
    try:
        while (order := _heard(pipe)) is not None:
            pipe.send(_done(pipe, order, started))
    except BaseException:  # noqa: BLE001 - it is a process's end
        traceback.print_exc()
    for pid in started:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    os._exit(0)


def _heard(pipe: Connection) -> tuple[Any, ...] | None:
    """Return what is wanted; None when nobody is there any more."""
    try:
        order: tuple[Any, ...] = pipe.recv()
    except (EOFError, OSError):
        return None
    return order


def _done(pipe: Connection, order: tuple[Any, ...], started: list[int]) -> Ended | int:
    if order[0] == "run":
        return _run(pipe, order[1])
    if order[0] == "start":
        pid, told = _forked(pipe, order[1])
        os.close(told)
        started.append(pid)
        return pid
    started.remove(order[1])
    with suppress(ProcessLookupError):
        os.kill(order[1], order[2])
    return _waited(order[1], time.monotonic() + _STOPPED)[0]


def _run(pipe: Connection, order: Order) -> Ended:
    began = time.monotonic()
    pid, told = _forked(pipe, order)
    code, struck = _waited(pid, began + _LONGEST, None if order.after is None else began + order.after, order)
    with os.fdopen(told) as said:
        text = said.read()
    return Ended(code, json.loads(text) if text else None, time.monotonic() - began, struck)


def _waited(
    pid: int, deadline: float, kill_at: float | None = None, order: Order | None = None
) -> tuple[int, bool]:
    """Wait for its end, and kill it at that moment or when it takes too long. Returns its code, and whether a child was hit."""
    struck = False
    parent = os.getppid()
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status), struck
        now = time.monotonic()
        if kill_at is not None and now >= kill_at:
            struck, kill_at = _strike(pid, order), None
        elif now >= deadline or os.getppid() != parent:  # nobody waits for it any more
            os.kill(pid, signal.SIGKILL)
        time.sleep(_LOOK)


def _strike(pid: int, order: Order | None) -> bool:
    """Kill the process or a child of its; True for a child."""
    children: list[psutil.Process] = []
    if order is not None and order.strike is not None:
        with suppress(psutil.Error):
            children = [
                one for one in psutil.Process(pid).children() if "spawn_main" in " ".join(one.cmdline())
            ]
        chance = random.Random(order.strike)
        if children and chance.random() < 0.5:
            with suppress(psutil.Error):
                chance.choice(children).kill()
                return True
    os.kill(pid, signal.SIGKILL)
    return False


def _forked(pipe: Connection, order: Order) -> tuple[int, int]:
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, read
    code = 1
    try:
        pipe.close()
        os.close(read)
        _log_to(order.log)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        random.seed()
        if order.point is not None:
            arm(order.point, order.passing)
        told = order.work(*order.arguments)
        with suppress(OSError):
            os.write(write, json.dumps(told, default=str).encode())
        code = 0
    except BaseException:  # noqa: BLE001 - it is a process's end
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _log_to(file: Path) -> None:
    with file.open("ab") as log:
        for number in (1, 2):
            os.dup2(log.fileno(), number)
