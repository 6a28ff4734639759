"""A shop in motion: its data is loaded while people buy, follows, is verified, switched, written back, and switched back."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx2

from caravan.core.database import DatabaseAddress
from caravan.entry.tenants import ensured_tenants
from caravan.migration.sync.flow_rows import Flow
from examples.market.shoppers import Shoppers
from examples.market.stores import PRODUCTS, Held, grant_engine, make_new, new_holds
from scripts.demo.databases import own_database
from scripts.demo.flows import flow_of, lag_of
from scripts.demo.old_shops import MARKET, OldShop
from scripts.demo.promises import Promises
from scripts.demo.running import Migration, commands_in, migrating
from scripts.drill.sides import Limit, program, until
from tools.free_ports import free_port

__all__ = ["show_market"]

_UNIT: Final = "shop"
_LONGEST_HOLD: Final = 1.0
_AVAILABLE: Final = 99.9
_CAUGHT_UP: Final = 1.0
_TRIES: Final = 4


@dataclass(frozen=True)
class Market:
    """Both shops with their stores, and the people."""

    shop: OldShop
    old_store: str
    new_store: str
    org: UUID
    shoppers: Shoppers
    stock: dict[str, int]

    def old(self) -> Held:
        """Return what the old store holds."""
        return self.shop.holds(self.old_store)

    def new(self) -> Held:
        """Return what the new store holds."""
        return new_holds(self.new_store, self.org)

    def wrong(self, held: Held) -> list[str]:
        """Hold a store against what people were told."""
        return self.shoppers.compare(*held, self.stock)


def show_market(
    shop: OldShop,
    home: Path,
    server: DatabaseAddress,
    limit: Limit,
    promises: Promises,
    *,
    drilled: bool = True,
) -> None:
    """Show it from the first row to the way back, and a drill at the end, when nobody buys any more."""
    home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        database = stack.enter_context(own_database(server, f"demo_{shop.name}"))
        commands = commands_in(home, database, limit)
        org, _ = ensured_tenants(database, "market", None)
        old_store = stack.enter_context(shop.server(home, "market"))
        shop.make(old_store)
        make_new(database.libpq(None), org, products=False)
        grant_engine(database.libpq(None))
        old, new = stack.enter_context(_shops(shop, home, old_store, database, org, limit))
        file, port = _written(shop, home, old_store, old, new)
        migration = stack.enter_context(migrating(_UNIT, file, port, commands, database))
        shoppers = Shoppers(f"http://127.0.0.1:{port}", PRODUCTS, count=5, pause=0.5)
        stock = shop.holds(old_store)[1]
        market = Market(shop, old_store, database.libpq(None), org, shoppers, stock)
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
        if drilled:
            _drill(migration, promises)
        promises.stay(migration.console, port)


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
    back = _flow(migration, "reverse")
    refused = back.rows_refused if back is not None else 0
    promises.told(
        "the old store is kept current",
        f"{_lag(migration, 'reverse'):.2f} s behind, {refused} rows refused",
        holds=back is not None and not refused,
    )


def _may_switch(migration: Migration) -> bool:
    """Whether nothing stands against the switch."""
    done = migration.commands.run("cutover", "plan", migration.config.file, _UNIT, wanted=(0, 3))
    return done.code == 0


def _switch_back(migration: Migration, market: Market, promises: Promises) -> None:
    _moved(migration, market, promises, "reverse", "given back to the old side")
    _keep_buying(market, 20)


def _moved(migration: Migration, market: Market, promises: Promises, command: str, what: str) -> None:
    """Run a cutover, and tell what people felt of it. On a busy machine it may undo itself for its budget: then once more."""
    began, tries = time.monotonic(), 1
    moved = partial(migration.commands.run, "cutover", command, migration.config.file, _UNIT, "--by", "demo")
    while (done := moved(wanted=(0, 1) if tries < _TRIES else (0,))).code:
        promises.say(
            f"       {promises.name:8} undone, nothing was lost: {done.said.strip().splitlines()[0]}"
        )
        tries += 1
    ended = time.monotonic()
    time.sleep(1)  # whoever was held is answered, and those behind
    figures = market.shoppers.figures(began, ended + 1)
    waits = market.shoppers.held(began, ended + 1)
    times = "at once" if tries == 1 else f"at the {tries}th time: it undid itself for the budget of the hold"
    promises.told(
        f"{what} while {figures['writes']} writes came, {times}; of the {len(waits)} that were held p99 waited",
        f"{_p99(waits):.2f} s",
        holds=_p99(waits) <= _LONGEST_HOLD,
    )
    promises.say(f"       {promises.name:8} {done.last}")
    promises.told(
        "no client saw an error", f"{figures['failed']} of {figures['requests']}", holds=not figures["failed"]
    )


def _p99(waits: Sequence[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.99)] if waits else 0.0


def _drill(migration: Migration, promises: Promises) -> None:
    """Go there and back once more from the last stage of the canary, with a certificate."""
    migration.advance("shadow-write", "canary:100")
    migration.commands.run("cutover", "verify", migration.config.file, _UNIT)
    tries, file = 1, migration.config.file
    drilled = partial(migration.commands.run, "cutover", "drill", file, _UNIT, "--by", "demo", wanted=(0, 3))
    while (done := drilled()).code and tries < _TRIES:
        tries += 1
    first, *rest = (line.strip() for line in done.out.strip().splitlines())
    promises.told("a drill there and back has its certificate", first, holds=done.code == 0)
    for line in rest:
        promises.say(f"       {promises.name:8} {line}")


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
    return flow_of(migration.address, migration.scope.org_id, migration.scope.migration, direction)


def _lag(migration: Migration, direction: str) -> float:
    return lag_of(migration.address, migration.scope.org_id, migration.scope.migration, direction)


@contextmanager
def _shops(
    shop: OldShop, home: Path, old_store: str, database: DatabaseAddress, org: UUID, limit: Limit
) -> Iterator[tuple[str, str]]:
    old, new = free_port(), free_port()
    separator = "&" if "?" in database.url else "?"
    environment = {
        "PYTHONPATH": str(MARKET),
        "SHOP_DATABASE": f"{database.url}{separator}application_name=market",
        "SHOP_ORG": str(org),
    }
    with ExitStack() as stack:
        stack.enter_context(program("old", shop.command(old_store, old), home, environment))
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


def _written(shop: OldShop, home: Path, old_store: str, old: str, new: str) -> tuple[Path, int]:
    port, file = free_port(), home / "migration.toml"
    text = (MARKET / shop.file).read_text(encoding="utf-8")
    text = text.replace("http://127.0.0.1:5000", old).replace("http://127.0.0.1:5001", new)
    text = text.replace(shop.place, old_store)
    file.write_text(f'{text}\n[gateway]\nlisten = "127.0.0.1:{port}"\n', encoding="utf-8")
    return file, port
