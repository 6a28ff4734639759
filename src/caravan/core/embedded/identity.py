"""As whom the PostgreSQL server runs: it refuses to run as root."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from caravan.core.embedded.errors import EmbeddedPermissionError
from caravan.core.embedded.folders import plain_errors

__all__ = ["LAUNCHER", "SAME", "choose_identity", "launcher_command"]

SAME = "same"
NAMESPACE = "namespace"
LAUNCHER = Path(__file__).with_name("launch.py")


def launcher_command(plan: str) -> list[str]:
    """Return the start of a command line that becomes another program by ``plan`` (JSON)."""
    return [sys.executable, "-I", "-S", str(LAUNCHER), plan]


def choose_identity(data: Path) -> str:
    """Return the identity for the owner of ``data`` (an existing folder), as `launch` reads it.

    A user runs it as himself. Root runs it in a user namespace; where that is refused (Docker's usual rules) as
    `nobody`, who then owns this one folder; and data that belongs to somebody else runs as him.
    """
    uid = os.geteuid()
    owner = data.stat()
    if uid != 0:
        if owner.st_uid != uid:
            raise EmbeddedPermissionError(
                f"{data} belongs to user {owner.st_uid}, this is user {uid}: PostgreSQL starts only for the owner."
            )
        return SAME
    if owner.st_uid != 0:
        return f"{owner.st_uid}:{owner.st_gid}"
    if _namespaces_work():
        return NAMESPACE
    return _give_to_nobody(data)


@cache
def _namespaces_work() -> bool:
    if sys.platform != "linux":
        return False
    tried = subprocess.run(launcher_command('{"identity": "namespace"}'), capture_output=True, check=False)  # noqa: S603 - our own file
    return tried.returncode == 0


def _give_to_nobody(data: Path) -> str:
    import pwd  # noqa: PLC0415 - absent on Windows, where this package must still import to say so

    nobody = pwd.getpwnam("nobody")
    with plain_errors(f"giving {data} to the user nobody"):
        for folder, _, files in os.walk(data):
            for name in files:
                os.chown(Path(folder) / name, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return f"{nobody.pw_uid}:{nobody.pw_gid}"
