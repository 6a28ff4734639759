"""Show the HTTP half of Caravan with real processes on this machine: shadow, canary, rollback.

    python scripts/demo_http.py [--only deduper|node|flask] [--short]

Prints each promise with its figure; exit code 0 when all were kept, else 1. Nothing is left running. With STAY=1 the last part stays up,
with its console, until Ctrl-C. DATABASE_URL names a PostgreSQL to use; without one an embedded server is started for as long as it takes.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from caravan.core.database.migrate import migrate
from caravan.core.errors import CaravanError
from scripts.demo.databases import postgres_server
from scripts.demo.deduper import show_deduper
from scripts.demo.ending import shown, stay_up, stays
from scripts.demo.pairs import PAIRS, show_pair
from scripts.demo.promises import Promises
from scripts.drill.record import DrillError
from scripts.drill.sides import Limit

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
    parts = (chosen.only,) if chosen.only else _PARTS
    return shown(partial(_show, parts, Limit(chosen.limit), short=chosen.short))


def _show(parts: Sequence[str], limit: Limit, promises: Promises, home: Path, *, short: bool) -> None:
    with postgres_server(home / "servers") as database:
        migrate(database)
        print("\n".join([*(f"{part:8} {_TITLES[part]}" for part in parts), ""]), flush=True)

        def one(part: str) -> None:
            told = promises.of(part)
            if stays() and part == parts[-1]:
                told.stay = partial(stay_up, promises)
            show = show_deduper if part == "deduper" else partial(show_pair, part)
            try:
                show(home / part, database, limit, told, short=short)
            except (DrillError, CaravanError) as error:
                told.told("it comes to its end", str(error), holds=False)

        if stays():  # one after another: only the main thread hears Ctrl-C
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


if __name__ == "__main__":
    sys.exit(main())
