"""A page of the tutorial as a test reads it: shell blocks in their order, each with what it promises to print."""

import os
import queue
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

_BLOCK: Final = re.compile(r"^```sh\n(.*?)^```\n(?:\n*^```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
_PATIENCE: Final = 120.0
_END: Final = "\x1eend of block "


@dataclass(frozen=True)
class Step:
    """``prints`` is what the page shows, None where it shows nothing; ``line`` is where the block begins."""

    line: int
    commands: str
    prints: str | None

    def kept(self, output: str) -> bool:
        """Whether the output is what was promised: an ellipsis is anything in a line, on a line of its own any lines."""
        if self.prints is None:
            return True
        lines = [
            r"(?:[^\n]*\n)*?" if line.strip() == "…" else re.escape(line).replace("…", r"[^\n]*?") + r"\s*?\n"
            for line in self.prints.splitlines()
        ]
        return re.fullmatch("".join(lines), f"{output.rstrip()}\n") is not None


def steps(text: str) -> Iterator[Step]:
    """Yield the blocks of a page that are run: those marked ``sh`` and nothing else."""
    for found in _BLOCK.finditer(text):
        yield Step(text.count("\n", 0, found.start()) + 2, found[1], found[2])


class Shell:
    """One bash that runs block after block, so that folders, variables and background processes stay."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=dict(environment),
            text=True,
            bufsize=1,
            start_new_session=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def run(self, commands: str) -> tuple[str, int]:
        """Return what a block printed on both streams, and the exit code of its last command."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{commands}\nprintf '\\n{_END}%d\\n' $?\n")
        self._process.stdin.flush()
        printed, deadline = [], time.monotonic() + _PATIENCE
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"after {_PATIENCE:g} s:\n{commands}\n{''.join(printed)}") from None
            if line.startswith(_END):
                return "".join(printed).strip("\n"), int(line.removeprefix(_END))
            printed.append(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
