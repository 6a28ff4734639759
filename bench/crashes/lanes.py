"""Lanes: processes that play cases side by side, each with a nursery, databases and scenes of its own."""

import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Final

from bench.crashes.nursery import Nursery
from bench.crashes.plan import POINTS, SCENES
from bench.crashes.scene import Case, Outcome, Scene, Stage
from bench.crashes.servers import Servers

__all__ = ["LaneEndedError", "Lanes"]

_FAREWELL: Final = 30.0


class LaneEndedError(Exception):
    """A lane is gone; what it played is told."""


@dataclass(frozen=True, slots=True)
class _Lane:
    pid: int
    pipe: Connection


class Lanes:
    """So many processes, forked before anything is opened; ``play`` hands them their work."""

    def __init__(self, count: int, folder: Path) -> None:
        self._lanes: list[_Lane] = []
        self._folder = folder
        for number in range(count):
            ours, theirs = Pipe()
            pid = os.fork()
            if pid == 0:
                ours.close()
                for lane in self._lanes:
                    lane.pipe.close()
                _live(theirs, folder / f"lane-{number}", number)
            theirs.close()
            self._lanes.append(_Lane(pid, ours))

    def play(self, servers: Servers, work: Iterator[Sequence[Case]], told: Callable[[Outcome], None]) -> None:
        """Play all cases; each outcome is told as it comes.

        Raises:
            LaneEndedError: a lane has ended by itself: its servers are gone, say.
        """
        by_pipe = {lane.pipe: lane for lane in self._lanes}
        for lane in self._lanes:
            lane.pipe.send(servers)
        while by_pipe:
            for pipe in wait(list(by_pipe)):
                assert isinstance(pipe, Connection)
                try:
                    said = pipe.recv()
                except EOFError:
                    raise LaneEndedError(self._last_words()) from None
                if isinstance(said, Outcome):
                    told(said)
                    continue
                batch = next(work, None)
                pipe.send(batch)
                if batch is None:
                    del by_pipe[pipe]

    def _last_words(self) -> str:
        said = [file.read_text().strip().splitlines()[-1] for file in self._folder.glob("lane-*/trouble")]
        return f"a lane has ended by itself: {' | '.join(said) or 'it says nothing'}"

    def close(self) -> None:
        """Let them end, with what they have started."""
        for lane in self._lanes:
            lane.pipe.close()
        deadline = time.monotonic() + _FAREWELL
        for lane in self._lanes:
            while os.waitpid(lane.pid, os.WNOHANG) == (0, 0):
                if time.monotonic() > deadline:
                    os.kill(lane.pid, signal.SIGKILL)
                time.sleep(0.02)


def _live(pipe: Connection, folder: Path, lane: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # they are for the campaign, which closes our pipe
        signal.signal(number, signal.SIG_IGN)
    code = 1
    try:
        folder.mkdir(parents=True)
        nursery = Nursery()
        try:
            _serve(pipe, folder, lane, nursery)
            code = 0
        finally:
            nursery.close()
    except BaseException:  # noqa: BLE001 - it is the process's end
        (folder / "trouble").write_text(traceback.format_exc())
        traceback.print_exc()
    finally:
        os._exit(code)


def _serve(pipe: Connection, folder: Path, number: int, nursery: Nursery) -> None:
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        servers: Servers = pipe.recv()
        stage = Stage(nursery, folder, servers, number)
        while True:
            pipe.send("more")
            batch: Sequence[Case] | None = pipe.recv()
            if batch is None:
                return
            _play(pipe, stage, batch)


def _play(pipe: Connection, stage: Stage, batch: Sequence[Case]) -> None:
    """Play a batch in one scene; behind a case that went wrong a new one is made."""
    scene: Scene | None = None
    try:
        for case in batch:
            outcome = Outcome(case)
            try:
                if scene is None:
                    scene = SCENES[case.area](stage, case.kind)
                    scene.begin()
                scene.play(case, POINTS.get(case.point), outcome)
            except Exception as error:  # noqa: BLE001 - it is the case's outcome
                said = "".join(traceback.format_exception(error)).strip().splitlines()
                outcome.problems.append(f"{type(error).__name__}: {error} ({' | '.join(said[-5:-1])})")
            pipe.send(outcome)
            if outcome.problems and scene is not None:
                _keep_log(scene, outcome)
                scene.close()
                scene = None
    finally:
        if scene is not None:
            scene.close()


def _keep_log(scene: Scene, outcome: Outcome) -> None:
    """Put the processes' last words beside the figures of what went wrong."""
    outcome.problems.append(f"said last: {scene.last_words()}")
