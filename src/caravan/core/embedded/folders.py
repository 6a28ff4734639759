"""The places below ``.caravan/``, and the folder of the Unix sockets.

No folder that Caravan did not make is ever created, opened or closed to anybody here.
"""

import errno
import hashlib
import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from caravan.core.embedded.errors import EmbeddedDiskFullError, EmbeddedPermissionError

__all__ = ["Home", "plain_errors", "private_folder", "socket_folder"]

# sun_path of sockaddr_un without its closing zero byte: unix(7), and 104 on the BSDs and macOS.
LONGEST_SOCKET_PATH = 107 if sys.platform == "linux" else 103
_LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432")
# Commas, colons, spaces and the like mean something in server settings or URLs.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+@=-]+")


@contextmanager
def plain_errors(what: str) -> Iterator[None]:
    """Turn the operating system's refusals into errors with a code; ``what`` says what was being done."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise EmbeddedDiskFullError(f"No space left on the disk while {what}: {error}") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise EmbeddedPermissionError(f"Access refused while {what}: {error}") from error
        raise


def private_folder(path: Path) -> Path:
    """Make ``path`` (0700), or take it when it is a real folder of ours; else refuse."""
    with plain_errors(f"making the folder {path}"):
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), path.parent.stat().st_uid):
            raise EmbeddedPermissionError(f"{path} is not a folder of user {os.geteuid()}.", path=str(path))
        if stat.S_IMODE(found.st_mode) & 0o077:
            path.chmod(0o700)
    return path


@dataclass(frozen=True, slots=True)
class Home:
    """The project's ``.caravan`` folder; paths only, nothing is made until `make` is called."""

    path: Path

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def run(self) -> Path:
        return self.path / "run"

    def data(self, server: str) -> Path:
        return self.path / server

    def make(self) -> None:
        with plain_errors(f"making the folder {self.path}"):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        private_folder(self.log)
        private_folder(self.run)


def socket_folder(home: Home) -> Path:
    """Return the folder for the sockets: ``run`` below home, or a short private one when that path will not do.

    The short one has a name made from the home's path, so every process finds the same.
    """
    if _fits(home.run):
        return home.run
    name = f"caravan-{os.geteuid()}-{hashlib.sha256(os.fsencode(home.path)).hexdigest()[:12]}"
    for base in (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"):  # noqa: S108 - private_folder checks the owner
        if base and _fits(Path(base) / name) and os.access(base, os.W_OK):
            return private_folder(Path(base) / name)
    raise EmbeddedPermissionError(
        f"No folder for Unix sockets: {home.run} is too long or has odd characters, and neither "
        "XDG_RUNTIME_DIR nor the temporary folder will do."
    )


def _fits(folder: Path) -> bool:
    text = str(folder)
    short = len(os.fsencode(text)) + _LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH
    return short and bool(_PLAIN_PATH.fullmatch(text))
