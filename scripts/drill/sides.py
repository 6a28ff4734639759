"""The processes of the drill: the legacy's stand-in, our worker, and the caller between them and the portal."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import psutil

from scripts.drill.record import DrillError
from tools.free_ports import free_port

__all__ = [
    "CALLER_PREFIX",
    "ROOT",
    "Limit",
    "Side",
    "caller",
    "left_over",
    "legacy",
    "ours",
    "program",
    "until",
]

ROOT: Final = Path(__file__).resolve().parents[2]
CALLER_PREFIX: Final = "/analysis/deduper"
_LEGACY: Final = ROOT / "examples/legacy"
_KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "COVERAGE_PROCESS_START")
_LAST_LINES: Final = 5


class Limit:
    """The time that is left for everything."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def end(self) -> None:
        """Have it over now."""
        self._end = 0.0

    @property
    def left(self) -> float:
        """Seconds left; raises ``DrillError`` when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise DrillError("the time limit of the drill is over")
        return left


@dataclass(frozen=True)
class Side:
    """A server that runs for the drill."""

    name: str
    url: str
    process: "subprocess.Popen[bytes]"
    log: Path
    limit: Limit
    client: httpx2.Client

    def ask(self, method: str, path: str) -> tuple[int, Any]:
        """Return status and JSON body."""
        answer = self._answer(method, path)
        try:
            return answer.status_code, answer.json()
        except ValueError as error:
            raise DrillError(f"{self.name} answered {method} {path} without JSON: {answer.text}") from error

    def text(self, path: str) -> str:
        """Return the body of a page."""
        return self._answer("GET", path).text

    def _answer(self, method: str, path: str) -> httpx2.Response:
        try:
            return self.client.request(method, self.url + path, timeout=self.limit.left)
        except httpx2.HTTPError as error:
            raise DrillError(f"{self.name} did not answer {method} {path}: {error}") from error

    def answers(self, path: str) -> bool:
        """Tell whether it answers at all yet; raises ``DrillError`` when its process has ended."""
        if (code := self.process.poll()) is not None:
            last = " / ".join(self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:])
            raise DrillError(f"{self.name} ended with code {code}: {last}")
        try:
            return self.client.get(self.url + path, timeout=2).status_code != httpx2.codes.SERVICE_UNAVAILABLE
        except httpx2.HTTPError:
            return False


def until(holds: Callable[[], Any], limit: Limit, what: str) -> Any:  # noqa: ANN401 - whatever holds
    """Wait until it holds, and return what it returned."""
    while not (found := holds()):
        try:
            time.sleep(min(0.05, limit.left))
        except DrillError as error:
            raise DrillError(f"{error}, while waiting until {what}") from error
    return found


@contextmanager
def legacy(home: Path, environment: Mapping[str, str], limit: Limit) -> Iterator[Side]:
    """Run the Flask stand-in."""
    command = [sys.executable, str(_LEGACY / "deduper-flask/app.py"), "--port"]
    with _running("flask", command, home, environment, limit) as side:
        yield side


@contextmanager
def ours(home: Path, environment: Mapping[str, str], limit: Limit) -> Iterator[Side]:
    """Run our worker alone, with a home and servers of its own."""
    command = [sys.executable, "-m", "caravan.entry.cli", "api", "--only", "deduper", "--port"]
    own = {**environment, "CARAVAN_HOME": str(home / "caravan")}
    with _running("caravan", command, home, own, limit) as side:
        yield side


@contextmanager
def caller(home: Path, environment: Mapping[str, str], base_url: str, limit: Limit) -> Iterator[Side]:
    """Run the caller, configured for one queue; to switch it is to run it anew, as it is in production."""
    command = [sys.executable, str(_LEGACY / "deduper-caller/caller.py"), "--port"]
    own = {
        **environment,
        "PATH_DATABASE": environment["PATH_TO_DATABASE"],
        "URL_BASE_NEWS_NEXUS_PYTHON_QUEUER": base_url,
    }
    with _running("caller", command, home, own, limit) as side:
        until(lambda: side.answers(f"{CALLER_PREFIX}/"), limit, "the caller answers")
        yield side


def left_over(home: Path) -> list[psutil.Process]:
    """Return the processes that have the drill's folder in command line, environment or working folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            told = [*process.cmdline(), *process.environ().values(), process.cwd()]
            if any(str(home) in text for text in told):
                found.append(process)
    return found


@contextmanager
def _running(
    name: str, command: list[str], home: Path, environment: Mapping[str, str], limit: Limit
) -> Iterator[Side]:
    port = free_port()
    with program(name, [*command, str(port)], home, environment) as process, httpx2.Client() as client:
        yield Side(name, f"http://127.0.0.1:{port}", process, home / f"{name}.log", limit, client)


@contextmanager
def program(
    name: str, command: list[str], home: Path, environment: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program of ours in a session of its own, its output in a log of its name; end it with all it has started."""
    log = home / f"{name}.log"
    kept = {variable: os.environ[variable] for variable in _KEPT if variable in os.environ}
    with log.open("ab") as file:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            command,
            env={**kept, **environment},
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask it to end, then end its whole session."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(6)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
