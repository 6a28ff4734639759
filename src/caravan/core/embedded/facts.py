"""What ``caravan doctor`` shows of the embedded servers; starts and changes nothing."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from caravan.core.embedded.errors import EmbeddedServerError
from caravan.core.embedded.postgres import EmbeddedPostgres
from caravan.core.embedded.process import Recorded
from caravan.core.embedded.valkey import EmbeddedValkey

__all__ = ["Memory", "ServerFacts", "available_extensions", "memory_of", "server_facts"]


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes, of a process and its descendants. ``pss`` counts shared pages once (Linux); None where unknown."""

    processes: int
    rss: int
    pss: int | None


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """``problem`` says why the server cannot run here; ``pid`` and ``memory`` are None while it does not run."""

    name: str
    version: str | None
    source: str | None
    problem: str | None
    pid: int | None
    url: str | None
    memory: Memory | None
    data_bytes: int
    extensions: tuple[str, ...] = ()


def server_facts(home: Path) -> tuple[ServerFacts, ServerFacts]:
    """Return the facts of PostgreSQL and of Valkey below ``home``."""
    return _postgres(EmbeddedPostgres(home)), _valkey(EmbeddedValkey(home))


def available_extensions(dsn: str) -> tuple[str, ...]:
    """Return the names of the extensions a PostgreSQL server could create."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT name FROM pg_available_extensions ORDER BY name").fetchall()
    return tuple(str(name) for (name,) in rows)


def memory_of(pid: int) -> Memory | None:
    """Return the memory of ``pid`` and its descendants; None when it is gone."""
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return None
    rss, pss, counted, known = 0, 0, 0, True
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            rss += process.memory_info().rss
            counted += 1
            try:
                pss += int(getattr(process.memory_full_info(), "pss", 0))
            except psutil.AccessDenied:
                known = False
    return Memory(processes=counted, rss=rss, pss=pss if known and pss else None)


def _postgres(server: EmbeddedPostgres) -> ServerFacts:
    version = source = problem = url = None
    extensions: tuple[str, ...] = ()
    try:
        version, source = server.binaries.version, server.binaries.source
    except EmbeddedServerError as error:
        problem = error.message
    running = server.running()
    if running:
        url = server.address(running.reach).dsn()
        with contextlib.suppress(psycopg.Error):
            extensions = available_extensions(url)
    return ServerFacts(
        name=server.title, version=version, source=source, problem=problem, url=url, extensions=extensions,
        pid=_pid(running), memory=_memory(running), data_bytes=_size(server.data),
    )  # fmt: skip


def _valkey(server: EmbeddedValkey) -> ServerFacts:
    version = source = problem = None
    try:
        version, source = server.binary.version, server.binary.source
    except EmbeddedServerError as error:
        problem = error.message
    running = server.running()
    return ServerFacts(
        name=server.title, version=version, source=source, problem=problem,
        url=server.address(running.reach).redis_url() if running else None,
        pid=_pid(running), memory=_memory(running), data_bytes=_size(server.data),
    )  # fmt: skip


def _pid(running: Recorded | None) -> int | None:
    return running.pid if running else None


def _memory(running: Recorded | None) -> Memory | None:
    return memory_of(running.pid) if running and running.pid else None


def _size(folder: Path) -> int:
    """Return the bytes of all files below ``folder``; files that vanish meanwhile count nothing."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.lstat().st_size
    return total
