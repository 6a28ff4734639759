"""Makes a PostgreSQL data folder with initdb, all or nothing."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from caravan.core.embedded.binaries import PostgresBinaries
from caravan.core.embedded.errors import DataOfAnotherVersionError, start_failure
from caravan.core.embedded.folders import plain_errors, private_folder
from caravan.core.embedded.identity import choose_identity, launcher_command
from caravan.core.embedded.launch import Plan
from caravan.core.embedded.process import server_environment

__all__ = ["check_version", "make_cluster"]

_FIRST_WITH_BUILTIN_LOCALES = 17


def check_version(data: Path, binaries: PostgresBinaries) -> None:
    """Raise when ``data`` was made by another major version than ``binaries``."""
    made_by = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    if made_by != str(binaries.major):
        raise DataOfAnotherVersionError(
            f"{data} was made by PostgreSQL {made_by}; the programs here ({binaries.source}) are {binaries.version}. "
            f"Dump it with the programs of {made_by} (pg_dumpall), move the folder away, start once, restore the dump.",
            data=str(data),
        )


def make_cluster(data: Path, binaries: PostgresBinaries, *, durable: bool = True) -> None:
    """Make ``data``: first under another name, so that a killed or failed initdb leaves nothing half-made."""
    new = data.with_name(f"{data.name}.new")
    with plain_errors(f"making the data folder {data}"):
        if new.exists():
            shutil.rmtree(new)
        private_folder(new)
        plan = Plan(identity=choose_identity(new), folder=str(new))
        _run_initdb(new, binaries, plan)
        if durable:
            os.sync()
        new.rename(data)


def _run_initdb(new: Path, binaries: PostgresBinaries, plan: Plan) -> None:
    said: list[str] = []
    for locale in _locales(binaries.major):
        command = [
            *launcher_command(json.dumps(plan)),
            str(binaries.initdb),
            f"--pgdata={new}",
            "--username=postgres",
            "--encoding=UTF8",
            "--auth-local=trust",  # the socket's folder is 0700: who can reach it, may
            "--auth-host=reject",
            "--no-sync",
            "--no-instructions",
            *locale,
        ]
        done = subprocess.run(  # noqa: S603 - a program we found
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=server_environment(),
            check=False,
        )
        if done.returncode == 0:
            return
        said = done.stdout.splitlines()
        if "invalid locale" not in done.stdout:
            break
    raise start_failure("initdb", said[-15:])


def _locales(major: int) -> Iterator[Sequence[str]]:
    """Yield locale options, best first.

    The C type must be a UTF-8 one even under the builtin provider, or pg_trgm sees no letters beyond ASCII.
    """
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    for name in ("C.UTF-8", "en_US.UTF-8", "C.utf8", "UTF-8"):
        yield [*(builtin if major >= _FIRST_WITH_BUILTIN_LOCALES else []), f"--locale={name}"]
