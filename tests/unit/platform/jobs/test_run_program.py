"""A dry run starts no program."""

from pathlib import Path

import pytest

from caravan.core.database.dry_run import DryRunNotRunError, begun_dry_run
from caravan.platform.jobs import Program, run_program

pytestmark = pytest.mark.asyncio


async def test_a_dry_run_starts_no_program(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with begun_dry_run() as run, pytest.raises(DryRunNotRunError):
        await run_program(Program(("/usr/bin/touch", str(trace)), {}, timeout=5))
    assert (run.not_run, trace.exists()) == ("it starts a program", False)
    await run_program(Program(("/usr/bin/touch", str(trace)), {}, timeout=5))
    assert trace.exists()
