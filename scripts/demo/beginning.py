"""From nothing to a replayed unit, with the commands that people use: record, learn, freeze, check, replay, accept."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx2

from caravan.core.clock import utc_now
from scripts.demo.case import Case
from scripts.demo.commands import Commands
from scripts.demo.load import Load
from scripts.demo.promises import Promises
from scripts.drill.sides import program, until
from tools.free_ports import free_port

__all__ = ["check_contract", "record", "replay"]

_RATE: Final = 100.0
_RECORDED: Final = 400
_SUM: Final = " passed"


def record(case: Case, commands: Commands, promises: Promises) -> None:
    """Record real calls to the old side, through `caravan record through`."""
    port = free_port()
    line = commands.line("record", "through", case.old, "--into", "demo", "--port", port)
    with program("record", line, commands.folder, commands.environment) as process:
        log = commands.folder / "record.log"
        until(lambda: "is recorded" in log.read_text(), commands.limit, "the recorder listens")
        with Load(port, _RATE, case.every, host=case.host, seed=9) as load:
            for method, target, body in case.once:
                httpx2.request(
                    method, f"http://127.0.0.1:{port}{target}", content=body, timeout=commands.limit.left
                )
            until(lambda: load.sent >= _RECORDED, commands.limit, "there is something to learn from")
        process.terminate()
        process.wait(commands.limit.left)
    case.settle()
    promises.told(
        "calls to the old side are recorded, and no client notices",
        f"{log.read_text().strip().splitlines()[-1]}; {len(load.failures)} errors of {load.sent}",
        holds=not load.failures and ", 0 dropped, 0 failed" in log.read_text(),
    )


def check_contract(case: Case, commands: Commands, file: Path, promises: Promises) -> None:
    """Learn a contract from the recording, freeze it, and hold both sides against it."""
    commands.run("migration", "check", file)
    commands.run("contract", "learn", "demo", "--migration", file)
    commands.run("contract", "freeze")
    for name, side in (("old", case.old), ("new", case.new)):
        done = commands.run("contract", "check", side, wanted=(0, 1))
        failed = "; ".join(line for line in done.out.splitlines() if line.startswith("FAILED"))
        promises.told(
            f"the {name} side keeps the contract learnt from the old one",
            f"{done.last}{f' ({failed})' if failed else ''}",
            holds=done.code == 0 and not done.last.startswith("0" + _SUM),
        )


def replay(case: Case, commands: Commands, file: Path, promises: Promises) -> None:
    """Send the recording to both sides; what is accepted has to be found first, and nothing else may be."""
    if case.accepted:
        first = json.loads(commands.run("migration", "replay", file, "demo", "--json", wanted=(0, 1)).out)
        found = {tuple(member) for group in first["differences"] for member in group["members"]}
        meant = {(one.route, one.path) for one in case.accepted}
        last = utc_now().date() + timedelta(days=90)
        for one in case.accepted:
            words = ("--owner", one.owner, "--reason", one.reason, "--until", last, "--kind", one.kind)
            commands.run("migration", "accept", file, one.route, one.path, *words)
        promises.told(
            "what differs on purpose is found by the replay and accepted, with owner and reason",
            "; ".join(f"{path} of {route}" for route, path in sorted(found)) or "nothing",
            holds=found == meant,
        )
    done = commands.run("migration", "replay", file, "demo", wanted=(0, 1))
    promises.told("the replayed recording shows no other difference", done.last, holds=done.code == 0)
