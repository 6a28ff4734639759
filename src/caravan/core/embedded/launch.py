"""Becomes a server: a program of its own, run by path, standard library only.

Between fork and exec a child must not run Python when its parent has threads, so what has to happen there
(leave the session, change identity, ask to die with the parent) happens here, in a fresh interpreter:

    python -I -S launch.py '{"identity": "namespace", "folder": "…", …}' PROGRAM ARGUMENT…

Exit codes of its own: 96 identity refused, 97 the parent is gone, 98 the program cannot be executed.
"""

import contextlib
import ctypes
import json
import os
import signal
import struct
import sys
from collections.abc import Sequence
from typing import NoReturn, TypedDict

IDENTITY_REFUSED, PARENT_GONE, NOT_EXECUTABLE = 96, 97, 98

_CLONE_NEWUSER = 0x10000000
_NOBODY = 65534
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1


class Plan(TypedDict, total=False):
    """How to become the server; every key may be absent."""

    identity: str  # "same", "namespace", or a uid and gid as "1000:1000"
    folder: str  # the working directory
    pid_descriptor: int  # an open file, also kept open in the server: gets a line with the process id
    parent: int  # process id; when it dies, so does the server
    death_signal: int


def enter_user_namespace() -> None:
    """Be root outside and `nobody` inside: PostgreSQL refuses root, files stay root's (user_namespaces(7))."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWUSER) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"unshare: {os.strerror(code)}")
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{_NOBODY} {uid} 1"),
        ("gid_map", f"{_NOBODY} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib would double the start-up time
            file.write(line)


def become(uid: int, gid: int) -> None:
    """Drop root for another user, but keep the right to pass folders (CAP_DAC_OVERRIDE) where root has it.

    So a project below a 0700 folder works, and nobody has to open that folder to the world.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    linux = sys.platform == "linux"
    if linux:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if linux:
        bit = 1 << _CAP_DAC_OVERRIDE
        header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
        wanted = struct.pack("6I", bit, bit, bit, 0, 0, 0)
        if libc.capset(header, wanted) == 0:
            libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


def take_identity(identity: str) -> None:
    if identity == "namespace":
        enter_user_namespace()
    elif identity != "same":
        uid, gid = identity.split(":")
        become(int(uid), int(gid))


def die_with(parent: int, death_signal: int) -> None:
    """Ask for a signal at the parent's death (prctl(2)); a change of identity would cancel it, so it comes last."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(PARENT_GONE)


def main(arguments: Sequence[str]) -> NoReturn:
    plan: Plan = json.loads(arguments[0])
    program = list(arguments[1:])
    with contextlib.suppress(PermissionError):  # already a leader: nothing to leave
        os.setsid()
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # ignored signals would stay ignored after exec
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.umask(0o077)
    if folder := plan.get("folder"):
        os.chdir(folder)
    if (descriptor := plan.get("pid_descriptor")) is not None:
        os.write(descriptor, f"{os.getpid()}\n".encode())
    try:
        take_identity(plan.get("identity", "same"))
    except (OSError, AttributeError) as error:
        sys.stderr.write(f"identity {plan.get('identity')}: {error}\n")
        sys.exit(IDENTITY_REFUSED)
    if parent := plan.get("parent"):
        die_with(parent, plan.get("death_signal", signal.SIGTERM))
    if not program:
        sys.exit(0)
    try:
        os.execv(program[0], program)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.stderr.write(f"{program[0]}: {error}\n")
        sys.exit(NOT_EXECUTABLE)


if __name__ == "__main__":
    main(sys.argv[1:])
