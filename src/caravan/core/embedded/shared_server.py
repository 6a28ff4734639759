"""How several Caravan processes share one server: start or attach, use, and the last one stops it."""

import contextlib
import json
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from signal import Signals
from typing import ClassVar, Generic, TypeAlias, TypeVar

from caravan.core.embedded.errors import ServerDidNotStartError, start_failure
from caravan.core.embedded.folders import Home
from caravan.core.embedded.launch import Plan
from caravan.core.embedded.locks import exclusive, release, take_shared, try_exclusive
from caravan.core.embedded.process import (
    Recorded,
    end,
    end_orphans,
    exit_code,
    is_server,
    read_state,
    spawn,
)

__all__ = ["Report", "SharedServer"]

Report: TypeAlias = Callable[[str], None]
Address = TypeVar("Address")

_SHOWN_LOG_LINES = 15


class SharedServer(ABC, Generic[Address]):
    """One server below one ``.caravan`` folder, used by any number of processes at once.

    `start` starts it or attaches to the one that runs; `stop` leaves, and stops it when nobody else uses it.
    The server has its own session, so Ctrl-C in a terminal does not reach it. A starter that is killed leaves it
    running; the next start attaches, and its last user stops it. With ``die_with_parent`` (Linux) it ends with the
    thread that called `start`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    death_signal: ClassVar[Signals]
    stop_signals: ClassVar[Sequence[tuple[Signals, float]]]
    start_seconds: ClassVar[float] = 120.0

    def __init__(self, home: Path, *, die_with_parent: bool = False) -> None:
        self.home = Home(home.resolve())
        self.data = self.home.data(self.name)
        self.log = self.home.log / f"{self.name}.log"
        self.state = self.home.run / f"{self.name}.state"
        self._die_with_parent = die_with_parent
        self._users: int | None = None
        self._owner = 0
        self._gate: contextlib.ExitStack | None = None  # held from begin() to wait()
        self._pid = 0
        self._spawned = False
        self._log_start = 0
        self._report: Report = _say_nothing

    def start(self, report: Report | None = None) -> Address:
        """Return where the server is reached, once it answers. Raises `EmbeddedServerError`."""
        self.begin(report)
        return self.wait()

    def begin(self, report: Report | None = None) -> None:
        """Start the server, or find the running one, without waiting until it answers; `wait` must follow."""
        if self._users is not None:
            raise ServerDidNotStartError(f"This {self.title} was started already; call stop() first.")
        self._report = report or _say_nothing
        self.check()
        self.home.make()
        with contextlib.ExitStack() as failed:
            gate = failed.enter_context(contextlib.ExitStack())
            gate.enter_context(exclusive(self._gate_file))
            users = take_shared(self._users_file)
            failed.callback(release, users)
            held = self._held_unless_running()
            if held is not None:
                try:
                    self._spawn(held)
                finally:
                    os.close(held)  # from here on only the server holds it
            failed.pop_all()
        self._gate, self._users, self._owner = gate, users, os.getpid()

    def wait(self) -> Address:
        """Wait until the server answers and passes its check; on any failure nothing is left running or locked."""
        try:
            deadline = time.monotonic() + self.start_seconds
            while not self.is_ready(self._pid):
                self._raise_if_gone()
                if time.monotonic() > deadline:
                    raise ServerDidNotStartError(
                        f"{self.title} (process {self._pid}) did not answer within {self.start_seconds:.0f} s "
                        f"(log: {self.log}). It said:\n" + "\n".join(self._log_tail())
                    )
                time.sleep(0.005)
            address = self.address(read_state(self.state).reach)
            if self._spawned:
                self.verify(address)
        except BaseException:
            self._leave()
            raise
        finally:
            self._open_gate()
        self._report(
            f"{self.title} {'is up' if self._spawned else 'was running already'} (process {self._pid})."
        )
        return address

    def stop(self) -> None:
        """Leave the server; the last user stops it. Does nothing when not started (or in a forked child)."""
        if self._users is None:
            return
        if os.getpid() != self._owner:
            users, self._users = self._users, None
            os.close(users)  # its lock is the parent's
        elif self._gate is not None:  # begun, and given up before wait()
            try:
                self._leave()
            finally:
                self._open_gate()
        else:
            with exclusive(self._gate_file):
                self._leave()

    def running(self) -> Recorded | None:
        """Return what is known of the server when it runs, started by whomever; changes nothing."""
        if not self.state.exists():
            return None
        held = try_exclusive(self.state)
        if held is not None:
            release(held)
            return None
        recorded = read_state(self.state)
        return recorded if recorded.pid and is_server(recorded.pid, self.data) else None

    @abstractmethod
    def check(self) -> None:
        """Raise when this machine cannot run the server; before anything is made."""

    @abstractmethod
    def prepare(self, report: Report) -> Plan:
        """Make the data folder ready and return how to become the server."""

    @abstractmethod
    def command(self, reach: dict[str, str]) -> list[str]: ...

    @abstractmethod
    def reach(self) -> dict[str, str]:
        """Return what other processes must know to reach the server that is started now."""

    @abstractmethod
    def address(self, reach: dict[str, str]) -> Address: ...

    @abstractmethod
    def is_ready(self, pid: int) -> bool: ...

    @abstractmethod
    def verify(self, address: Address) -> None:
        """Check a server that was just started; raise when it must not be used."""

    @property
    def _gate_file(self) -> Path:
        return self.home.run / f"{self.name}.gate"

    @property
    def _users_file(self) -> Path:
        return self.home.run / f"{self.name}.users"

    def _held_unless_running(self) -> int | None:
        """Return the locked state file of a server that does not run; None (and its pid noted) when it does."""
        held = try_exclusive(self.state)
        if held is not None:
            return held
        recorded = self._recorded()
        if recorded.pid and is_server(recorded.pid, self.data):
            self._pid, self._spawned = recorded.pid, False
            return None
        self._report(f"{self.title} was killed; ending what it left behind.")
        end_orphans(self.data, self.state)
        return try_exclusive(self.state)

    def _recorded(self) -> Recorded:
        deadline = time.monotonic() + 2.0
        while True:
            try:
                recorded = read_state(self.state)
            except json.JSONDecodeError:
                recorded = Recorded(None, {})
            if recorded.pid or time.monotonic() > deadline:
                return recorded
            time.sleep(0.005)

    def _spawn(self, held: int) -> None:
        plan = self.prepare(self._report)
        reach = self.reach()
        if self._die_with_parent:
            plan |= Plan(parent=os.getpid(), death_signal=int(self.death_signal))
        plan["folder"] = str(self.data)
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self._pid = spawn(self.command(reach), plan, held, reach, self.log)
        self._spawned = True

    def _open_gate(self) -> None:
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.close()

    def _release_users(self) -> None:
        users, self._users = self._users, None
        if users is not None:
            release(users)

    def _leave(self) -> None:
        self._release_users()
        alone = try_exclusive(self._users_file)
        if alone is None:
            self._report(f"{self.title} goes on for its other users.")
            return
        try:
            self._end()
        finally:
            release(alone)

    def _raise_if_gone(self) -> None:
        gone = exit_code(self._pid) is not None if self._spawned else not is_server(self._pid, self.data)
        if gone and not self.is_ready(self._pid):
            raise start_failure(self.title, self._log_tail(), self.log)

    def _log_tail(self) -> list[str]:
        if not self.log.exists():
            return []
        with self.log.open("rb") as file:
            file.seek(self._log_start if self._log_start <= self.log.stat().st_size else 0)
            lines = file.read().decode(errors="replace").splitlines()
        return lines[-_SHOWN_LOG_LINES:]

    def _end(self) -> None:
        held = try_exclusive(self.state)
        if held is not None:
            release(held)
            exit_code(self._pid)
            return
        pid = read_state(self.state).pid or (self._pid if self._spawned else None)
        if pid and (pid == self._pid or is_server(pid, self.data)):
            end(pid, self.state, self.stop_signals)
            self._report(f"{self.title} stopped.")
        else:
            end_orphans(self.data, self.state)


def _say_nothing(_: str) -> None:
    pass
