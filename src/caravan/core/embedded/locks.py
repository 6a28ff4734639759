"""File locks between Caravan processes that share one server (flock(2)); the kernel drops them with their holder.

- gate: exclusive, held while somebody starts, attaches or leaves;
- users: shared, one per process that uses the server; who can take it alone is the last;
- state: exclusive, taken by the starter and inherited by the server, so it is held exactly while the server
  or one of its children lives. Its text says how to reach it: a line of JSON, then a line with the process id.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from caravan.core.embedded.folders import plain_errors

__all__ = ["exclusive", "open_lock_file", "release", "take_shared", "try_exclusive"]


def open_lock_file(path: Path) -> int:
    """Return a descriptor of the file, made (0600) when absent; closed in child programs unless handed over."""
    with plain_errors(f"opening {path}"):
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock of ``path`` alone; waits for it."""
    descriptor = open_lock_file(path)
    try:
        _flock(descriptor, alone=True, wait=True)
        yield
    finally:
        release(descriptor)


def take_shared(path: Path) -> int:
    """Return a descriptor that holds a shared lock until `release`."""
    descriptor = open_lock_file(path)
    try:
        _flock(descriptor, alone=False, wait=True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def try_exclusive(path: Path) -> int | None:
    """Return a descriptor that holds the lock alone, or None when somebody else holds it."""
    descriptor = open_lock_file(path)
    try:
        _flock(descriptor, alone=True, wait=False)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def release(descriptor: int) -> None:
    """Give the lock back and close; a child that was just spawned may still have its copy of the descriptor.

    A spawned program's copy closes at its exec, but the kernel lets the parent go on a moment before that.
    """
    import fcntl  # noqa: PLC0415 - as in _flock

    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _flock(descriptor: int, *, alone: bool, wait: bool) -> None:
    import fcntl  # noqa: PLC0415 - absent on Windows, where this package must still import to say so

    operation = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    fcntl.flock(descriptor, operation if wait else operation | fcntl.LOCK_NB)
