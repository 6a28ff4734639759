"""What the operator configured for the legacy worker: its variables, and what is wrong with them before a launch."""

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

__all__ = ["DEDUPER", "MISSING", "PYTHON", "LegacyEnvironment", "Programs", "legacy_environment"]

PYTHON: Final = "PATH_TO_PYTHON_VENV"
DEDUPER: Final = "PATH_TO_MICROSERVICE_DEDUPER"
MISSING: Final = "Missing environment variables for deduper or python venv"

DOTENV: Final = Path(".env")
"""In the working folder, as the settings have it."""

_OURS: Final = frozenset({"DATABASE_URL", "REDIS_URL", "BROKER_URL", "PROMETHEUS_MULTIPROC_DIR"})
_OUR_PREFIX: Final = "CARAVAN_"

LegacyEnvironment = Mapping[str, str]


def legacy_environment(
    surrounding: Mapping[str, str] | None = None, file: Path = DOTENV
) -> LegacyEnvironment:
    """Return the variables as the legacy had them: those of this process (or ``surrounding``), and of ``.env`` what they lack.

    Caravan's own settings are not among them: the program has no business with our database.
    """
    given = os.environ if surrounding is None else surrounding
    return {name: value for name, value in {**_of_file(file), **given}.items() if not _is_ours(name)}


def _of_file(file: Path) -> LegacyEnvironment:
    try:
        found = file.stat()
    except OSError:
        return {}
    return _read(file, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=4)
def _read(file: Path, _changed: int, _size: int) -> LegacyEnvironment:
    """Read the file once per change: health asks for it at every call."""
    return {name: value for name, value in dotenv_values(file).items() if value is not None}


def _is_ours(name: str) -> bool:
    return name in _OURS or name.startswith(_OUR_PREFIX)


@dataclass(frozen=True, slots=True)
class Programs:
    """The two paths that a launch needs, as configured; empty when they are not."""

    venv: str
    deduper: str

    @classmethod
    def of(cls, environment: LegacyEnvironment) -> "Programs":
        """Read them from the variables."""
        return cls(environment.get(PYTHON, ""), environment.get(DEDUPER, ""))

    @classmethod
    def now(cls, file: Path = DOTENV) -> "Programs":
        """Read them from this process's environment and ``.env``, as they are now."""
        venv, deduper = os.environ.get(PYTHON), os.environ.get(DEDUPER)
        if venv is None or deduper is None:  # else the file cannot matter, and is not looked at
            of_file = _of_file(file)
            venv = of_file.get(PYTHON, "") if venv is None else venv
            deduper = of_file.get(DEDUPER, "") if deduper is None else deduper
        return cls(venv, deduper)

    @property
    def configured(self) -> bool:
        """Whether both variables are set."""
        return bool(self.venv and self.deduper)

    @property
    def python(self) -> str:
        """The interpreter."""
        return f"{self.venv}/bin/python"

    @property
    def main(self) -> str:
        """The program's first file."""
        return f"{self.deduper}/src/main.py"

    def python_problem(self) -> str | None:
        """Say what is wrong with the interpreter, in the words of the failed launch it would be."""
        if not self.venv:
            return f"{PYTHON} is not set"
        return _problem(self.python, os.X_OK, of_folder=errno.EACCES)  # what execve(2) says of a folder

    def main_problem(self) -> str | None:
        """Say what is wrong with the program's file."""
        if not self.deduper:
            return f"{DEDUPER} is not set"
        return _problem(self.main, os.R_OK, of_folder=errno.EISDIR)

    def problem(self) -> str | None:
        """Say why nothing can be launched; None when it can."""
        if not self.configured:
            return MISSING
        return self.python_problem() or self.main_problem()


def _problem(path: str, wanted: int, *, of_folder: int) -> str | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - the path stays as it was configured, for the message
    except OSError as error:
        return str(error)
    return _judged(path, wanted, of_folder, found.st_mode, (found.st_dev, found.st_ino, found.st_ctime_ns))


@lru_cache(maxsize=16)
def _judged(path: str, wanted: int, of_folder: int, mode: int, _state: tuple[int, int, int]) -> str | None:
    """Say what is wrong with a file that is there; who may do what with it changes only with its state (inode(7))."""
    if stat.S_ISDIR(mode):
        return str(OSError(of_folder, os.strerror(of_folder), path))
    if not os.access(path, wanted):
        return str(PermissionError(errno.EACCES, os.strerror(errno.EACCES), path))
    return None
