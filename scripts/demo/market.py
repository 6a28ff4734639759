"""A shop in motion: its data is loaded while people buy, follows, is verified, switched, written back, and switched back."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx2

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.entry.tenants import ensured_tenants
from caravan.migration.sync.flow_rows import Flow, flows_of
from caravan.migration.units import connected
from examples.market.shoppers import Shoppers
from examples.market.stores import PRODUCTS, Held, grant_engine, make_new, make_old, new_holds, old_holds
from scripts.demo.mariadb import private_mariadb
from scripts.demo.promises import Promises
from scripts.demo.running import Migration, commands_in, migrating
from scripts.drill.sides import ROOT, Limit, program, until
from tools.free_ports import free_port

__all__ = ["show_market"]

_FOLDER: Final = ROOT / "examples/market"
_UNIT: Final = "shop"
_LONGEST_HOLD: Final = 1.0
_AVAILABLE: Final = 99.9
_CAUGHT_UP: Final = 1.0


@dataclass(frozen=True)
class Market:
    """Both shops with their stores, and the people."""

    old_store: str
    new_store: str
    org: UUID
    shoppers: Shoppers
    stock: dict[str, int]

    def old(self) -> Held:
        """Return what the old store holds."""
        return old_holds(self.old_store)

    def new(self) -> Held:
        """Return what the new store holds."""
        return new_holds(self.new_store, self.org)

    def wrong(self, held: Held) -> list[str]:
        """Hold a store against what people were told."""
        return self.shoppers.compare(*held, self.stock)


def show_market(home: Path, database: DatabaseAddress, limit: Limit, promises: Promises) -> None:
    """Show it from the first row to the way back."""
    home.mkdir(parents=True, exist_ok=True)
    commands = commands_in(home, database, limit)
    org, _ = ensured_tenants(database, "market", None)
    with ExitStack() as stack:
        old_store = stack.enter_context(private_mariadb(home, "market"))
        make_old(old_store)
        make_new(database.libpq(None), org, products=False)
        grant_engine(database.libpq(None))
        old, new = stack.enter_context(_shops(home, old_store, database, org, limit))
        file, port = _written(home, old_store, old, new)
        migration = stack.enter_context(migrating(_UNIT, file, port, commands, database))
        shoppers = Shoppers(f"http://127.0.0.1:{port}", PRODUCTS, count=4, pause=0.05)
        market = Market(old_store, database.libpq(None), org, shoppers, market_stock(old_store))
        for direction in ("forward", "reverse"):  # the one back needs to know of the one there
            line = commands.line("sync", "run", file, "--direction", direction)
            stack.enter_context(program(f"sync-{direction}", line, home, commands.environment))
            migration.until(partial(_flow, migration, direction), f"the flow {direction} has begun")
        shoppers.start()
        try:
            _carry(migration, market, promises)
            _switch(migration, market, promises)
            _switch_back(migration, market, promises)
        finally:
            shoppers.stop()
        _at_the_end(migration, market, promises)
        promises.stay(migration.console, port)


def market_stock(old_store: str) -> dict[str, int]:
    """Return the stock that the day begins with."""
    return old_holds(old_store)[1]


def _carry(migration: Migration, market: Market, promises: Promises) -> None:
    """Load beside the flow while people buy, and verify under their writes."""
    began = len(market.shoppers.truth.totals)
    migration.commands.run("load", migration.config.file)
    bought = len(market.shoppers.truth.totals) - began
    promises.told("loaded while people buy", f"{bought} orders came meanwhile", holds=bought > 0)
    migration.until(lambda: _lag(migration, "forward") <= _CAUGHT_UP, "the new store has caught up")
    done = migration.commands.run("verify", "records", migration.config.file, "--live", "5", wanted=(0, 1, 2))
    said = done.out.strip().splitlines()
    promises.told("verified under live writes", said[0] if said else "", holds=done.code == 0)
    done = migration.commands.run("cutover", "verify", migration.config.file, _UNIT)
    promises.told("verified for the switch", done.last, holds=True)


def _switch(migration: Migration, market: Market, promises: Promises) -> None:
    migration.advance("contracted", "replayed", "synced", "shadow-read", "shadow-write", "canary:100")
    migration.until(lambda: _may_switch(migration), "the canary is proven")
    _moved(migration, market, promises, "switch", "given to the new side")
    _keep_buying(market, 20)
    migration.until(lambda: _lag(migration, "reverse") <= _CAUGHT_UP, "the old store has caught up")
    promises.told("the old store is kept current", f"{_lag(migration, 'reverse'):.2f} s behind", holds=True)


def _may_switch(migration: Migration) -> bool:
    """Whether nothing stands against the switch."""
    done = migration.commands.run("cutover", "plan", migration.config.file, _UNIT, wanted=(0, 3))
    return done.code == 0


def _switch_back(migration: Migration, market: Market, promises: Promises) -> None:
    _moved(migration, market, promises, "reverse", "given back to the old side")
    _keep_buying(market, 20)


def _moved(migration: Migration, market: Market, promises: Promises, command: str, what: str) -> None:
    """Run a cutover, and tell what people felt of it."""
    began = time.monotonic()
    migration.commands.run("cutover", command, migration.config.file, _UNIT, "--by", "demo")
    ended = time.monotonic()
    time.sleep(2)  # whoever was held is answered, and those behind
    figures = market.shoppers.figures(began - 1, ended + 2)
    promises.told(
        f"{what} while {figures['writes']} writes came",
        f"the longest waited {figures['longest']:.2f} s, p99 {figures['p99']:.2f} s",
        holds=figures["p99"] <= _LONGEST_HOLD,
    )
    promises.told(
        "no client saw an error", f"{figures['failed']} of {figures['requests']}", holds=not figures["failed"]
    )


def _at_the_end(migration: Migration, market: Market, promises: Promises) -> None:
    migration.until(lambda: _lag(migration, "forward") <= 0, "both stores hold the same")
    told = len(market.shoppers.truth.totals), len(market.shoppers.truth.payments)
    wrong = market.wrong(market.old())
    promises.told(
        f"of {told[0]} orders and {told[1]} payments none is lost or doubled",
        "; ".join(wrong[:3]) or "all there, once",
        holds=not wrong,
    )
    migration.until(lambda: market.old() == market.new(), "both stores hold the same")
    promises.told("both stores hold the same", f"{len(market.old()[0])} orders", holds=True)
    figures = market.shoppers.figures()
    promises.told(
        "available to clients, there and back",
        f"{figures['availability']:.3f} % of {figures['requests']} requests",
        holds=figures["availability"] >= _AVAILABLE,
    )


def _keep_buying(market: Market, orders: int) -> None:
    """Wait until so many more orders were taken."""
    wanted = len(market.shoppers.truth.totals) + orders
    deadline = time.monotonic() + 60
    while len(market.shoppers.truth.totals) < wanted and time.monotonic() < deadline:
        time.sleep(0.05)


def _flow(migration: Migration, direction: str) -> Flow | None:
    scope = {"org": migration.scope.org_id, "migration": migration.scope.migration}
    with connected(migration.address, read_only=True) as connection:
        return next((flow for flow in flows_of(connection, scope) if flow.direction == direction), None)


def _lag(migration: Migration, direction: str) -> float:
    flow = _flow(migration, direction)
    return float("inf") if flow is None or flow.state != "running" else flow.lag(utc_now()).seconds


@contextmanager
def _shops(
    home: Path, old_store: str, database: DatabaseAddress, org: UUID, limit: Limit
) -> Iterator[tuple[str, str]]:
    old, new = free_port(), free_port()
    separator = "&" if "?" in database.url else "?"
    environment = {
        "PYTHONPATH": str(_FOLDER),
        "SHOP_DATABASE": f"{database.url}{separator}application_name=market",
        "SHOP_ORG": str(org),
    }
    with ExitStack() as stack:
        legacy = [
            sys.executable,
            str(_FOLDER / "legacy_shop.py"),
            "--port",
            str(old),
            "--database",
            old_store,
        ]
        stack.enter_context(program("old", legacy, home, environment))
        uvicorn = [
            sys.executable,
            "-m",
            "uvicorn",
            "new_shop:app",
            "--port",
            str(new),
            "--log-level",
            "warning",
        ]
        stack.enter_context(program("new", uvicorn, home, environment))
        sides = f"http://127.0.0.1:{old}", f"http://127.0.0.1:{new}"
        for side in sides:
            until(partial(_answers, side), limit, f"{side} answers")
        yield sides


def _answers(side: str) -> bool:
    try:
        return httpx2.get(f"{side}/health", timeout=2).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False


def _written(home: Path, old_store: str, old: str, new: str) -> tuple[Path, int]:
    port, file = free_port(), home / "migration.toml"
    text = (_FOLDER / "migration.toml").read_text(encoding="utf-8")
    text = text.replace("http://127.0.0.1:5000", old).replace("http://127.0.0.1:5001", new)
    text = text.replace("mysql://root@127.0.0.1:3306/market", old_store)
    file.write_text(f'{text}\n[gateway]\nlisten = "127.0.0.1:{port}"\n', encoding="utf-8")
    return file, port
