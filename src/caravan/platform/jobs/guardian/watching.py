"""The guardian's life: start the program, watch it, end everything, report."""

import contextlib
import json
import os
import selectors
import signal
from pathlib import Path

from .ending import Ending
from .events import Events
from .launching import launch
from .orders import Order, Report, now
from .processes import LINUX, Process, adopt_orphans, below, resident, table
from .recording import Recorder
from .report_file import ReportFile, not_launched

__all__ = ["main"]

_READ = 65_536
_FIRST_SAMPLE = 0.05
_LOOK_WHILE_ENDING = 0.02
_DRAIN = 1.0
_PROGRESS_EVERY = 0.25


def main() -> int:
    """Be the guardian of the order on standard input; ends when no process of the program is left."""
    line, rest = _first_line()
    if not line:
        return 0  # the service was gone before it could say what to do
    adopt_orphans()
    Watch(json.loads(line), rest).run()
    return 0


def _first_line() -> tuple[bytes, bytes]:
    content = b""
    while b"\n" not in content:
        piece = os.read(0, _READ)
        if not piece:
            return b"", b""
        content += piece
    line, _, rest = content.partition(b"\n")
    return line, rest


class Watch:
    """One program from start to report."""

    def __init__(self, order: Order, commands: bytes) -> None:
        self._order = order
        self._commands = commands
        self._events = Events()
        self._ending = Ending(order["grace"])
        self._file = ReportFile(order["folder"])
        streams = ("stdout", "stderr")
        names = streams if order["separate"] else ("output", "output")
        made = {name: Recorder(order["folder"], name, order["output"]) for name in set(names)}
        self._recorders = {stream: made[name] for stream, name in zip(streams, names, strict=True)}
        self._selector = selectors.DefaultSelector()
        self._until = order["until"]
        self._pid = 0
        self._status: int | None = None
        self._started = self._ended = now()
        self._peak = self._largest = 0
        self._sampled = 0.0
        self._sample_after = _FIRST_SAMPLE
        self._known: frozenset[tuple[int, int]] = frozenset()
        self._told = 0.0
        self._left: list[int] = []

    def run(self) -> None:
        """Start, watch and report."""
        self._hear_signals()
        self._watch(0, "commands")
        try:
            self._start()
        except OSError as error:
            self._report(not_launched(error))
            return
        self._command_lines(b"")
        while not self._over():
            self._turn()
        self._drain()
        self._report(self._outcome())

    # --- the start

    def _start(self) -> None:
        self._started = now()
        self._pid, ends = launch(self._order)
        for name, descriptor in ends.items():
            self._watch(descriptor, name)

    def _hear_signals(self) -> None:
        heard, rung = os.pipe()
        os.set_blocking(rung, False)
        signal.set_wakeup_fd(rung, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        self._watch(heard, "signals")

    def _watch(self, descriptor: int, name: str) -> None:
        os.set_blocking(descriptor, False)
        self._selector.register(descriptor, selectors.EVENT_READ, name)

    # --- while it runs

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._patience()):
            self._hear(key.fd, key.data)
        self._reap()
        self._look()
        if self._status is not None and not self._ending.begun:
            self._ending.begin(None, self._order["grace"])  # the program is over: nothing of it stays
        if self._ending.begun:
            self._signal_everybody()
        self._tell_progress()

    def _patience(self) -> float:
        if self._ending.begun:
            return _LOOK_WHILE_ENDING
        moments = [self._sampled + self._sample_after, self._until]
        if self._order["timeout"] is not None:
            moments.append(self._started + self._order["timeout"])
        return max(0.0, min(moment for moment in moments if moment is not None) - now())

    def _hear(self, descriptor: int, name: str) -> None:
        try:
            content = os.read(descriptor, _READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            content = b""
        if not content:
            self._closed(descriptor, name)
        elif name == "signals":
            if content.strip(bytes([signal.SIGCHLD])):
                self._end("stopped", self._order["grace"])
        elif name == "commands":
            self._command_lines(content)
        elif name == "events":
            self._events.feed(content)
        else:
            self._recorders[name].write(name, content)

    def _closed(self, descriptor: int, name: str) -> None:
        self._selector.unregister(descriptor)
        if name == "commands":
            self._end("lost", self._order["last_grace"])
        else:
            os.close(descriptor)

    def _command_lines(self, content: bytes) -> None:
        *lines, self._commands = (self._commands + content).split(b"\n")
        for line in lines:
            word, _, value = line.decode().partition(" ")
            if word == "until":
                self._until = float(value)
            elif word == "cancel":
                self._end("cancelled", self._order["grace"])
            elif word == "stop":
                self._end("stopped", min(self._order["grace"], self._order["last_grace"]))
            elif word == "kill":
                self._end("lost", 0.0)

    def _reap(self) -> None:
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self._largest = max(self._largest, used.ru_maxrss * (1024 if LINUX else 1))
            if pid == self._pid:
                self._status, self._ended = status, now()

    def _look(self) -> None:
        order, moment = self._order, now()
        if self._until is not None and moment >= self._until:
            self._end("lost", 0.0)
        if order["timeout"] is not None and moment >= self._started + order["timeout"]:
            self._end("timeout", order["grace"])
        if moment < self._sampled + self._sample_after:
            return
        self._sampled, self._sample_after = moment, min(self._sample_after * 2, order["sample"])
        mine = self._mine()
        size = resident(mine)
        self._peak = max(self._peak, size)
        self._remember(mine)
        if order["memory"] is not None and size > order["memory"]:
            self._end("memory", min(order["grace"], 1.0))

    def _end(self, reason: str, grace: float) -> None:
        self._ending.begin(reason if self._status is None else None, grace)

    def _mine(self) -> list[Process]:
        return below([os.getpid()], table())

    def _remember(self, mine: list[Process]) -> None:
        """Write down who belongs to the job, for whoever comes when we are killed: some forget their environment."""
        known = frozenset((process.pid, process.started) for process in mine)
        if known != self._known:
            self._known = known
            self._put("processes.json", sorted(known))

    def _tell_progress(self) -> None:
        if self._events.fresh and now() >= self._told + _PROGRESS_EVERY:
            self._events.fresh, self._told = False, now()
            self._put("progress.json", self._events.progress)

    def _put(self, name: str, value: object) -> None:
        path = Path(self._order["folder"], name)
        with contextlib.suppress(OSError):
            path.with_suffix(".tmp").write_text(json.dumps(value), encoding="utf-8")
            path.with_suffix(".tmp").replace(path)

    # --- the end

    def _over(self) -> bool:
        return self._status is not None and self._ending.begun and not self._anybody()

    def _anybody(self) -> bool:
        self._reap()
        if not LINUX:
            return _group_lives(self._pid)
        left = self._mine()
        if left and self._ending.hopeless:
            self._left = [process.pid for process in left]
            return False
        return bool(left)

    def _signal_everybody(self) -> None:
        if not LINUX:
            self._ending.signal_group(self._pid)
            return
        self._ending.signal_all(self._mine)

    def _drain(self) -> None:
        """Read what is still in the pipes; who else could hold them open has ended, or was handed one by stealth."""
        deadline = now() + _DRAIN
        while now() < deadline:
            ready = [key for key, _ in self._selector.select(0) if key.data in ("stdout", "stderr", "events")]
            if not ready:
                return
            for key in ready:
                self._hear(key.fd, key.data)

    def _outcome(self) -> Report:
        status = self._status or 0
        return {
            "reason": self._ending.reason or "exit",
            "error": self._events.error,
            "exit_code": os.waitstatus_to_exitcode(status),
            "duration_ms": round((self._ended - self._started) * 1000),
            "peak_memory": max(self._peak, self._largest) or None,
            "progress": self._events.progress,
            "result": self._events.result,
            "left": self._left,
        }

    def _report(self, report: Report) -> None:
        recorders = set(self._recorders.values())
        for recorder in recorders:
            recorder.close()
        report["output_bytes"] = sum(recorder.position for recorder in recorders)
        report["output_dropped"] = sum(recorder.dropped for recorder in recorders)
        report["group_only"] = not LINUX
        self._file.write(report)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
