"""The two miniature shops: shadow, a canary promoted by its gate, a defect found and rolled back."""

import json
import random
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import httpx2

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from scripts.demo.load import Call, Load, of
from scripts.demo.promises import Promises
from scripts.demo.running import Migration, migrating
from scripts.demo.watching import is_open, judged_and_bound
from scripts.drill.sides import ROOT, Limit, free_port, program, until

__all__ = ["PAIRS", "show_pair"]

_FOLDER: Final = ROOT / "examples/pairs"
PAIRS: Final[Mapping[str, list[str]]] = {
    "node": ["node", str(_FOLDER / "node_shop.mjs")],
    "flask": [sys.executable, str(_FOLDER / "flask_shop.py")],
}
_RATE: Final = 150.0
_COHORT: Final = 0.1
_FOUND_WITHIN: Final = 10.0


def _items(_source: random.Random) -> Call:
    return "GET", "/items", b""


def _item(source: random.Random) -> Call:
    return "GET", f"/items/{source.randint(1, 14)}", b""


def _orders(_source: random.Random) -> Call:
    return "GET", "/orders", b""


def _order(source: random.Random) -> Call:
    return "POST", "/orders", json.dumps({"item": source.randint(1, 12), "quantity": 1}).encode()


def _missing(source: random.Random) -> Call:
    return "GET", f"/orders/{source.randint(1, 9)}", b""


ALL: Final = of(((4, _items), (4, _item), (4, _orders), (1, _order), (3, _missing)))
READS: Final = of(((1, _items), (1, _item)))


def show_pair(
    name: str, home: Path, database: DatabaseAddress, limit: Limit, promises: Promises, *, short: bool
) -> None:
    """Show one pair; ``short`` leaves the promotion out."""
    promises.part(f"{name} shop → FastAPI shop")
    with (
        _sides(name, home) as (old, new),
        _migration(name, home, old, new, database, limit, short=short) as migration,
    ):
        _shadow(migration, promises)
        if not short:
            _promotion(migration, promises)
        _defect(migration, new, promises)
        promises.stay()


def _shadow(migration: Migration, promises: Promises) -> None:
    migration.advance("contracted", "replayed")
    with Load(migration.port, _RATE, ALL) as load:
        migration.until(lambda: is_open(migration, "shadow-read"), "the shadow has seen enough")
    seen = migration.seen()
    judged, bound, reported = judged_and_bound(seen)
    promises.told(
        "shadow without an unexplained difference",
        f"{judged} requests compared, {len(reported)} differences{reported or ''}, a defect on more than {bound:.1%} ruled out",
        holds=not reported and judged > 0,
    )
    writes = sum(route.new.requests + route.new.asked for route in seen.routes if route.effect == "write")
    promises.told("no write was asked again", f"{writes} writes on the new side", holds=writes == 0)
    promises.told("no client saw an error", f"{len(load.failures)} of {load.sent}", holds=not load.failures)
    migration.advance("shadow-read")


def _promotion(migration: Migration, promises: Promises) -> None:
    migration.advance("canary:10")
    with Load(migration.port, _RATE * 2, READS, seed=2) as load:
        began = time.monotonic()
        migration.until(lambda: migration.values().stage == 2, "the canary is promoted")  # noqa: PLR2004
        took = time.monotonic() - began
    decision = next(entry for entry in migration.seen().journal if entry.phase == "promotion").facts[
        "figures"
    ]
    keys = decision["ratio"]["canary_keys"]
    promises.told(
        "a canary was promoted by its gate, 10 % to 50 %",
        f"after {took:.0f} s, {keys} members, {'; '.join(decision['reasons'])}",
        holds=migration.values().share == 0.5 and decision["action"] == "promote",  # noqa: PLR2004
    )
    promises.told("no client saw an error", f"{len(load.failures)} of {load.sent}", holds=not load.failures)
    migration.roll_back_by_hand()


def _defect(migration: Migration, new: str, promises: Promises) -> None:
    migration.advance("canary:10")
    values = migration.values()
    with Load(migration.port, _RATE, ALL, seed=3) as load:
        until(lambda: load.sent > 2 * _RATE, migration.limit, "the canary has traffic")
        _switch(new, "error", 0.2)
        planted, at = time.monotonic(), utc_now()
        migration.until(lambda: migration.values().share == 0.0, "the canary is rolled back", seconds=30)
        took = time.monotonic() - planted
        sent, rate = load.sent, load.per_second
        until(lambda: load.sent > sent + _RATE, migration.limit, "traffic after the rollback")
    _switch(new, "none", 1)
    entry = next(entry for entry in migration.seen().journal if entry.phase == "rollback")
    promises.told(
        f"a defect on 20 % of a {_COHORT:.0%} cohort's requests is rolled back within {_FOUND_WITHIN:.0f} s",
        f"{took:.1f} s (found after {(entry.at - at).total_seconds():.1f} s) at {rate:.0f} requests/s; {entry.facts['said']}",
        holds=took <= _FOUND_WITHIN and rate >= 100,  # noqa: PLR2004 - what was promised
    )
    outside = [one for one in load.failures if not migration.is_member(one.key, values.salt, values.share)]
    promises.told(
        "no client outside the cohort saw an error",
        f"{len(outside)} outside, {len(load.failures)} in the cohort, of {load.sent} requests",
        holds=not outside and bool(load.failures),
    )
    late = [one for one in load.failures if one.at > planted + took + 1]
    promises.told("none after the rollback", f"{len(late)}", holds=not late)


def _switch(new: str, kind: str, share: float) -> None:
    httpx2.post(f"{new}/_defects", json={"kind": kind, "share": share}).raise_for_status()


@contextmanager
def _sides(name: str, home: Path) -> Iterator[tuple[str, str]]:
    home.mkdir(parents=True, exist_ok=True)
    environment = {"SHOP_DATA": str(home / "orders.jsonl")}
    old, new = free_port(), free_port()
    with ExitStack() as stack:
        fastapi = [sys.executable, str(_FOLDER / "fastapi_shop.py"), str(new)]
        stack.enter_context(program("old", [*PAIRS[name], str(old)], home, environment))
        stack.enter_context(program("new", fastapi, home, environment))
        sides = f"http://127.0.0.1:{old}", f"http://127.0.0.1:{new}"
        for side in sides:
            until(lambda side=side: _answers(side), Limit(20), f"{side} answers")  # type: ignore[misc]
        yield sides


def _answers(side: str) -> bool:
    try:
        return httpx2.get(f"{side}/health", timeout=2).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False


@contextmanager
def _migration(
    name: str, home: Path, old: str, new: str, database: DatabaseAddress, limit: Limit, *, short: bool
) -> Iterator[Migration]:
    text = (_FOLDER / "migration.toml").read_text(encoding="utf-8")
    text = text.replace('"pair-shop"', f'"pair-{name}"').replace("http://127.0.0.1:5001", old)
    if short:
        text = text.replace("most_undetected = 0.02", "most_undetected = 0.06")
    text = text.replace("http://127.0.0.1:5003", new) + '\n[gateway]\nlisten = "127.0.0.1:{port}"\n'
    with migrating(home, text, "shop", database, limit) as migration:
        yield migration
