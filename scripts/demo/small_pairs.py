"""Small pairs without an application: a source is loaded into the new shop's tables, followed where it lives, and verified."""

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from caravan.core.database import DatabaseAddress
from caravan.entry.tenants import ensured_tenants
from examples.market.stores import grant_engine, make_new, new_holds
from scripts.demo.commands import Commands
from scripts.demo.databases import own_database
from scripts.demo.flows import flow_of, lag_of
from scripts.demo.promises import Promises
from scripts.demo.running import commands_in
from scripts.demo.small_sources import (
    Execute,
    Writer,
    make_dump,
    make_postgres,
    make_sqlite,
    postgres_statement,
    sqlite_statement,
)
from scripts.drill.sides import Limit, program, until

__all__ = ["SMALL", "show_small"]

_ORDERS: Final = 2000
_TABLES: Final = ("products", "orders", "order_lines", "payments")
_DOCUMENTS: Final = ("products", "orders", "payments")
_SQLITE_COLUMNS: Final = """
[sources.shop.columns]
"products.price" = "decimal"
"products.listed" = "boolean"
"orders.total" = "decimal"
"orders.created_at" = "iso"
"order_lines.price" = "decimal"
"payments.amount" = "decimal"
"payments.paid_at" = "iso"
"""


@dataclass(frozen=True)
class _Source:
    """Where the data is, as the migration file says it, its collections, and what writes it; None for a dump."""

    text: str
    collections: tuple[str, ...]
    mapping: str
    execute: Execute | None


def show_small(
    kind: str, home: Path, server: DatabaseAddress, limit: Limit, promises: Promises, *, orders: int = _ORDERS
) -> None:
    """Show one of ``SMALL``: loaded while it is written, followed, verified to the field; a dump is loaded and verified."""
    home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        database = stack.enter_context(own_database(server, f"demo_{kind}"))
        source = _SOURCES[kind](home, stack, server, orders)
        file = home / "migration.toml"
        file.write_text(_file(kind, source), encoding="utf-8")
        org, _ = ensured_tenants(database, kind, None)
        make_new(database.libpq(None), org, products=False)
        grant_engine(database.libpq(None))
        commands = commands_in(home, database, limit)
        made = orders
        if source.execute is None:
            commands.run("load", file)
        else:
            made += _followed(commands, file, database, kind, source.execute, orders)
        held, _ = new_holds(database.libpq(None), org)
        promises.told(
            "every order arrived, once"
            + ("" if source.execute is None else ", also those that came meanwhile"),
            f"{len(held)} of {made}",
            holds=len(held) == made,
        )
        done = commands.run("verify", "records", file, wanted=(0, 1, 2))
        said = done.out.strip().splitlines()
        promises.told("verified to the field", said[0] if said else done.said.strip(), holds=done.code == 0)


def _followed(
    commands: Commands, file: Path, database: DatabaseAddress, kind: str, execute: Execute, orders: int
) -> int:
    """Load beside the flow while the source is written; returns how many orders came."""
    line = commands.line("sync", "run", file)
    with program("sync", line, commands.folder, commands.environment):
        org, _ = ensured_tenants(database, kind, None)
        until(partial(flow_of, database, org, kind, "forward"), commands.limit, "the flow has begun")
        with Writer(execute, first=orders + 1) as writer:
            commands.run("load", file)
        until(
            lambda: (
                len(new_holds(database.libpq(None), org)[0]) >= orders + writer.made
                and lag_of(database, org, kind, "forward") <= 0
            ),
            commands.limit,
            "what came meanwhile has arrived",
        )
        return writer.made


def _file(kind: str, source: _Source) -> str:
    sets = "".join(
        f'\n[[data_sets]]\nname = "{name}"\nsource = "shop"\ncollection = "{name}"\nmapping = "{source.mapping}:{name}"\n'
        for name in source.collections
    )
    return f'[migration]\nname = "{kind}"\norg = "{kind}"\n\n{source.text}{sets}'


def _sqlite(home: Path, _stack: ExitStack, _server: DatabaseAddress, orders: int) -> _Source:
    path = home / "shop.db"
    make_sqlite(path, orders)
    text = f'[sources.shop]\nkind = "sqlite"\npath = "{path}"\ntimezone = "Africa/Algiers"\n{_SQLITE_COLUMNS}'
    return _Source(text, _TABLES, "examples.market.mapping", sqlite_statement(path))


def _postgres(_home: Path, stack: ExitStack, server: DatabaseAddress, orders: int) -> _Source:
    address = stack.enter_context(own_database(server, "demo_old_shop", migrated=False))
    make_postgres(address.libpq(None), orders)
    text = f'[sources.shop]\nkind = "postgresql"\nurl = "{address.url}"\ntimezone = "Africa/Algiers"\n'
    return _Source(text, _TABLES, "examples.market.mapping", postgres_statement(address.libpq(None)))


def _dump(home: Path, _stack: ExitStack, _server: DatabaseAddress, orders: int) -> _Source:
    make_dump(home / "dump/market", orders)
    text = f'[sources.shop]\nkind = "mongodump"\npath = "{home / "dump"}"\n'
    return _Source(text, _DOCUMENTS, "examples.market.mapping_documents", None)


_SOURCES: Final = {"dump": _dump, "sqlite": _sqlite, "postgres": _postgres}
SMALL: Final = tuple(_SOURCES)
