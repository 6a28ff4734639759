"""Running one program to its end under a guardian, without a job."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

from caravan.core.database.dry_run import current_dry_run
from caravan.core.ids import uuid7
from caravan.platform.jobs.guardian.orders import Report
from caravan.platform.jobs.guarding import guarded, order_for
from caravan.platform.jobs.output_files import pieces
from caravan.platform.jobs.policy import Policy
from caravan.platform.jobs.program import Program, ProgramResult
from caravan.platform.jobs.sweeping import sweep

__all__ = ["run_program"]


async def run_program(program: Program) -> ProgramResult:
    """Run a program; its processes have all ended when this returns, and end when this process does.

    Raises:
        OSError: the program cannot be executed; ``str()`` of it is what ``subprocess`` would have said.
        DryRunNotRunError: in a dry run, for what a program does cannot be undone.
    """
    if (dry := current_dry_run()) is not None:
        raise dry.refused("it starts a program")
    name = uuid7()
    folder = Path(tempfile.mkdtemp(prefix="caravan-program-"))
    try:
        order = order_for(program, folder, Policy(), separate=True, until=None)
        async with guarded(order, f"{name}:1") as guardian:
            report = await guardian.ended()
        if report is None:
            await sweep(str(name), folder / "processes.json", patience=0)
            raise OSError(errno.ECHILD, "The guardian of the program was killed", str(program.command[0]))
        return _result(report, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _result(report: Report, folder: Path) -> ProgramResult:
    if report["reason"] == "launch":
        number, name = report["launch"]
        raise OSError(number, os.strerror(number), name)
    return ProgramResult(
        exit_code=report.get("exit_code") or 0,
        stdout=b"".join(piece.content for piece in pieces(folder, "stdout")),
        stderr=b"".join(piece.content for piece in pieces(folder, "stderr")),
        timed_out=report["reason"] == "timeout",
        out_of_memory=report["reason"] == "memory",
        seconds=report["duration_ms"] / 1000,
        peak_memory=report.get("peak_memory"),
        dropped=report["output_dropped"],
    )
