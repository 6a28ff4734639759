"""Rehearse the switch of the deduper queue and the way back, with real processes on this machine.

    python scripts/deduper_drill.py --out DIR [--short]

Starts the legacy's stand-in and `caravan api --only deduper` over one generated SQLite with the real program, and between
them a caller that behaves as the legacy's `api/` does. Its base URL goes from Flask to Caravan and back; before, between
and after, a job is requested and its table checked against the truth. Files what happened in DIR, dated, as JSON and
Markdown. Exit code 0 when all steps passed, else 1. Takes less than a minute, and leaves no process behind.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil

from scripts.drill.articles import SharedArticles, generated
from scripts.drill.record import DrillError, Record
from scripts.drill.sides import Limit, Side, caller, left_over, legacy, ours, until
from scripts.drill.trigger import trigger

_FINISHED = "caravan_jobs_finished_total"


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--out", type=Path, required=True, help="folder for the record")
    options.add_argument("--short", action="store_true", help="fewer articles")
    options.add_argument("--limit", type=float, default=45, help="seconds for all of it")
    chosen = options.parse_args()
    signal.signal(signal.SIGTERM, _interrupted)
    record = Record(lambda line: print(line, flush=True))
    home = Path(tempfile.mkdtemp(prefix="drill"))  # short: sockets have to fit below it
    try:
        with suppress(DrillError):
            _drill(record, home, Limit(chosen.limit), approved=100 if chosen.short else 1000)
        _nothing_left(record, home)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    finally:
        for process in left_over(home):
            with suppress(psutil.Error):
                process.kill()
        shutil.rmtree(home, ignore_errors=True)
        filed = record.file(chosen.out)
    print(f"{'passed' if record.passed else 'FAILED'}; filed as {filed[0]} and {filed[1].name}")
    return 0 if record.passed else 1


def _drill(record: Record, home: Path, limit: Limit, *, approved: int) -> None:
    with record.step("articles", "a shared database with planted duplicates") as step:
        articles = generated(home / "articles", approved=approved, new=20)
        step.found = f"{articles.new} new, {approved} approved"
    environment = articles.environment()
    with legacy(home, environment, limit) as flask:
        with ours(home, environment, limit) as new:
            for side in (flask, new):
                _healthy(record, side, limit)
            digests = [_leg(record, "before", flask, articles, home, limit)]
            _idle(record, "cutover", flask, completed=1)
            digests.append(_leg(record, "cutover", new, articles, home, limit))
            _idle(record, "rollback", new, completed=1)
            _metrics(record, new, limit)
        with record.step("rollback: caravan is stopped", "nothing of it is left") as step:
            step.found = _none_of(home / "caravan")
        digests.append(_leg(record, "rollback", flask, articles, home, limit))
        _idle(record, "end", flask, completed=2)
    with record.step("tables of all legs", "the same, to the last score") as step:
        step.found = ", ".join(digests)
        if len(set(digests)) != 1:
            raise DrillError(f"they differ: {step.found}")


def _healthy(record: Record, side: Side, limit: Limit) -> None:
    with record.step(f"{side.name} starts", "200, healthy") as step:
        until(lambda: side.answers("/deduper/health"), limit, f"{side.name} answers")
        status, told = side.ask("GET", "/deduper/health")
        step.found = f"{status}, {told['status']}"
        if (status, told["status"]) != (200, "healthy"):
            raise DrillError(f"{step.found}: {told}")
    record.figures[f"{side.name}_start_seconds"] = step.seconds


def _idle(record: Record, leg: str, side: Side, *, completed: int) -> None:
    """Jobs on two sides would overwrite each other's table: whoever is left must have ended its own, and well."""
    with record.step(
        f"{leg}: {side.name} is idle", f"{completed} completed, none pending, running or failed"
    ) as step:
        jobs = side.ask("GET", "/deduper/health")[1]["jobs"]
        states = ("completed", "pending", "running", "failed", "cancelled")
        step.found = ", ".join(f"{jobs[state]} {state}" for state in states)
        if [jobs[state] for state in states] != [completed, 0, 0, 0, 0]:
            raise DrillError(step.found)


def _leg(record: Record, leg: str, queue: Side, articles: SharedArticles, home: Path, limit: Limit) -> str:
    with ExitStack() as stack:
        with record.step(f"{leg}: the caller's base URL", f"{queue.name} answers the caller") as step:
            between = stack.enter_context(caller(home, articles.environment(), f"{queue.url}/", limit))
            step.found = f"{queue.url}/"
        record.figures[f"{leg}_switch_seconds"] = step.seconds
        return trigger(record, leg, between, articles, limit)


def _metrics(record: Record, new: Side, limit: Limit) -> None:
    """The rates that are watched after the switch come from this counter."""
    with record.step("rollback: metrics of caravan", "one job counted as completed") as step:
        wanted = f'{_FINISHED}{{queue="deduper",reason="exit",state="completed"}} 1.0'
        until(lambda: wanted in new.text("/metrics"), limit, f"/metrics has {wanted}")
        step.found = wanted


def _nothing_left(record: Record, home: Path) -> None:
    with suppress(DrillError), record.step("end", "no process is left") as step:
        step.found = _none_of(home)


def _none_of(folder: Path) -> str:
    """Return that no process has to do with this folder; raises ``DrillError`` and names them when there are."""
    _, alive = psutil.wait_procs(left_over(folder), timeout=5)
    if alive:
        raise DrillError(f"left: {[subprocess.list2cmdline(process.cmdline()) for process in alive]}")
    return "0 left"


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
