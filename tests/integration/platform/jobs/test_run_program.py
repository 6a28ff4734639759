"""A program without a job: its output apart, its end certain."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from caravan.platform.jobs import Program, run_program

pytestmark = pytest.mark.asyncio

ENV = {"PATH": os.environ.get("PATH", "/usr/bin:/bin")}


def shell(script: str, **rest: object) -> Program:
    return Program(command=("/bin/sh", "-c", script), env=ENV, **rest)  # type: ignore[arg-type]


async def test_both_streams_come_back_apart() -> None:
    result = await run_program(shell("echo out; echo err >&2; cat; exit 4", input=b"given"))
    assert (result.exit_code, result.stdout, result.stderr) == (4, b"out\ngiven", b"err\n")
    assert not result.timed_out
    assert result.seconds < 30


async def test_a_program_that_takes_too_long_is_killed_with_its_children() -> None:
    started = asyncio.get_running_loop().time()
    result = await run_program(
        shell("trap '' TERM; setsid sleep 60 & wait; sleep 60", timeout=1.0, grace=0.2)
    )
    assert (result.timed_out, result.exit_code) == (True, -9)
    assert asyncio.get_running_loop().time() - started < 45


async def test_a_program_that_is_not_there_raises_what_subprocess_would() -> None:
    with pytest.raises(FileNotFoundError) as raised:
        await run_program(Program(command=("/nowhere/bin/python", "x"), env=ENV))
    assert str(raised.value) == "[Errno 2] No such file or directory: '/nowhere/bin/python'"
    with pytest.raises(PermissionError, match="Permission denied"):
        await run_program(Program(command=("/etc/passwd",), env=ENV))


async def test_a_flood_on_one_stream_leaves_the_other_whole() -> None:
    result = await run_program(
        shell("echo first; yes | head -c 2000000; echo end >&2", output=10_000, timeout=60)
    )
    assert result.stderr == b"end\n"
    assert 10_000 <= len(result.stdout) <= 70_000
    assert len(result.stdout) + result.dropped == 2_000_006


async def test_leaving_early_ends_the_program(tmp_path: Path) -> None:
    up, down = tmp_path / "up", tmp_path / "down"
    script = f"trap 'touch {down}; exit 0' TERM; touch {up}; while :; do sleep 0.02; done"
    running = asyncio.create_task(run_program(shell(script, grace=5)))
    while not up.exists():  # noqa: ASYNC110 - a file tells
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert down.exists()


async def test_a_full_disk_loses_output_and_not_the_report(tmp_path: Path) -> None:
    """The kernel's own full disk: a limit on the size of files, which the guardian inherits."""
    code = (
        "import asyncio, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from caravan.platform.jobs import Program, run_program\n"
        "env = {'PATH': '/usr/bin:/bin'}\n"
        "script = 'yes | head -c 3000000; echo over >&2; exit 5'\n"
        "got = asyncio.run(run_program(Program(('/bin/sh', '-c', script), env, output=2_000_000)))\n"
        "print(got.exit_code, got.stderr, len(got.stdout) + got.dropped, got.dropped > 0)\n"
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    told, _ = await child.communicate()
    assert told.decode().strip() == r"5 b'over\n' 3000000 True"
