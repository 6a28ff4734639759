"""Show the data half of Caravan with real servers on this machine: load, follow, verify, switch, and the way back.

    python scripts/demo_data.py [--only PART] [--orders N] [--limit SECONDS]

Prints each promise with its figure; exit code 0 when all were kept, else 1. Nothing is left running. A part whose server is missing is
left out by name; with CI or CARAVAN_REQUIRE_ALL set that is a broken promise. With STAY=1 the last part stays up, with its console, until
Ctrl-C. DATABASE_URL names a PostgreSQL to use (wal_level = logical, and a user who may make databases); without one an embedded server is
started.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from caravan.core.errors import CaravanError
from scripts.demo.databases import postgres_server
from scripts.demo.ending import shown, stay_up, stays
from scripts.demo.market import show_market
from scripts.demo.old_shops import OLD_SHOPS, OldShop
from scripts.demo.promises import Promises
from scripts.demo.small_pairs import SMALL, show_small
from scripts.drill.record import DrillError
from scripts.drill.sides import Limit

_TITLES = {
    "dump": "a mongodump → the new shop's PostgreSQL: loaded, verified",
    "sqlite": "SQLite in use → PostgreSQL: loaded while it is written, followed, verified",
    "postgres": "PostgreSQL in use → PostgreSQL: the same, by its log",
    "mongodb": "a shop on a MongoDB-compatible server → ours, while people buy: switched, kept current, given back, drilled",
    "mariadb": "a shop on MariaDB → ours, while people buy: switched, kept current, given back, drilled",
}
_PARTS = tuple(_TITLES)


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--only", choices=_PARTS, action="append", help="a part; may be given again")
    options.add_argument("--orders", type=int, default=2000, help="of the small parts")
    options.add_argument("--limit", type=float, default=470, help="seconds for all of it")
    chosen = options.parse_args()
    parts = tuple(part for part in _PARTS if not chosen.only or part in chosen.only)
    return shown(partial(_show, parts, chosen.orders, chosen.limit))


def _show(parts: Sequence[str], orders: int, seconds: float, promises: Promises, home: Path) -> None:
    limit, shops = Limit(seconds), {shop.name: shop for shop in OLD_SHOPS}
    there = [part for part in parts if part not in shops or _is_there(shops[part], promises)]
    print("\n".join([*(f"{part:8} {_TITLES[part]}" for part in there), ""]), flush=True)
    with postgres_server(home / "servers") as server:
        for part in there:
            told = promises.of(part)
            if stays() and part == there[-1]:
                told.stay = partial(stay_up, promises)
            try:
                if part in SMALL:
                    show_small(part, home / part, server, limit, told, orders=orders)
                else:
                    show_market(shops[part], home / part, server, limit, told)
            except (DrillError, CaravanError) as error:
                told.told("it comes to its end", str(error), holds=False)


def _is_there(shop: OldShop, promises: Promises) -> bool:
    """Tell whether this part can be shown; where everything is required, one that cannot is a broken promise."""
    if shop.is_there():
        return True
    print(f"left out {shop.name}: it needs {shop.needs}", flush=True)
    if os.environ.get("CARAVAN_REQUIRE_ALL") or os.environ.get("CI"):
        promises.of(shop.name).told("every part is shown", f"it needs {shop.needs}", holds=False)
    return False


if __name__ == "__main__":
    sys.exit(main())
