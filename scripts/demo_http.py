"""Show the HTTP half of Caravan with real processes on this machine: shadow, canary, rollback.

    python scripts/demo_http.py [--only deduper|node|flask] [--short]

Prints each promise with its figure; exit code 0 when all were kept, else 1. Nothing is left running. With STAY=1 the last part stays up,
with its console, until Ctrl-C. DATABASE_URL names a PostgreSQL to use; without one an embedded server is started for as long as it takes.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil

from caravan.core.database import DatabaseAddress
from caravan.core.database.migrate import migrate
from caravan.core.embedded.servers import embedded_servers
from caravan.core.errors import CaravanError
from scripts.demo.deduper import show_deduper
from scripts.demo.pairs import PAIRS, show_pair
from scripts.demo.promises import Promises
from scripts.drill.record import DrillError
from scripts.drill.sides import Limit, left_over

_LONGEST = 480.0
_PARTS = ("deduper", *PAIRS)
_TITLES = {
    "deduper": "Flask worker → caravan api --only deduper",
    "node": "Node shop → FastAPI shop, neither of which knows of Caravan",
    "flask": "Flask shop → FastAPI shop, the same",
}


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--only", choices=_PARTS, help="one part")
    options.add_argument("--short", action="store_true", help="without the promotion")
    options.add_argument("--limit", type=float, default=470, help="seconds for all of it")
    chosen = options.parse_args()
    signal.signal(signal.SIGTERM, _interrupted)
    promises = Promises(lambda line: print(line, flush=True))
    home = Path(tempfile.mkdtemp(prefix="demo"))  # short: sockets have to fit below it
    began = time.monotonic()
    try:
        parts = (chosen.only,) if chosen.only else _PARTS
        _show(promises, home, Limit(chosen.limit), parts, short=chosen.short)
    except (DrillError, CaravanError) as error:
        promises.told("the demonstration comes to its end", str(error), holds=False)
    except _StayedError:
        print("\nending", flush=True)
    except KeyboardInterrupt:
        promises.told("the demonstration comes to its end", "interrupted", holds=False)
    finally:
        took = (promises.ended or time.monotonic()) - began
        left = left_over(home)
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        if promises.passed:
            shutil.rmtree(home, ignore_errors=True)
        else:
            print(f"logs are in {home}", flush=True)
    promises.told("nothing is left running", f"{len(left)} processes", holds=not left)
    promises.told("within 8 minutes", f"{took:.0f} s", holds=took <= _LONGEST)
    print(f"\n{len(promises.kept)} promises kept, {len(promises.broken)} broken")
    return 0 if promises.passed else 1


def _show(promises: Promises, home: Path, limit: Limit, parts: Sequence[str], *, short: bool) -> None:
    with ExitStack() as stack:
        if url := os.environ.get("DATABASE_URL"):
            database = DatabaseAddress.parse(url)
        else:
            servers = stack.enter_context(
                embedded_servers(home / "servers", want_postgres=True, want_valkey=False)
            )
            assert servers.postgres is not None  # noqa: S101 - it was wanted
            database = DatabaseAddress.parse(servers.postgres.dsn())
        migrate(database)
        print("\n".join([*(f"{part:8} {_TITLES[part]}" for part in parts), ""]), flush=True)
        stays = os.environ.get("STAY") == "1"

        def one(part: str) -> None:
            told = promises.of(part)
            if stays and part == parts[-1]:
                told.stay = partial(_stay, promises)
            show = show_deduper if part == "deduper" else partial(show_pair, part)
            try:
                show(home / part, database, limit, told, short=short)
            except (DrillError, CaravanError) as error:
                told.told("it comes to its end", str(error), holds=False)

        if stays:  # one after another: only the main thread hears Ctrl-C
            for part in parts:
                one(part)
        else:
            _side_by_side(one, parts, limit)


def _side_by_side(one: Callable[[str], None], parts: Sequence[str], limit: Limit) -> None:
    """Show two parts at a time, one for each core."""
    with ThreadPoolExecutor(2) as pool:
        shown = [pool.submit(one, part) for part in parts]
        try:
            for each in shown:
                each.result()
        except BaseException:
            limit.end()  # whatever waits in another part ends now, and takes its programs with it
            pool.shutdown(cancel_futures=True)
            raise


class _StayedError(Exception):
    """It stayed up until somebody had seen enough."""


def _stay(promises: Promises, console: str, port: int) -> None:
    promises.ended = time.monotonic()
    print(f"\nthis part stays up; Ctrl-C ends it\n  gateway http://127.0.0.1:{port}\n  {console}", flush=True)
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:
        raise _StayedError from None


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
