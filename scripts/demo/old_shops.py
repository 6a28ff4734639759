"""The old shops that are carried while people buy: one on MariaDB, one on MongoDB."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from examples.market.document_stores import document_holds, make_documents
from examples.market.stores import Held, make_old, old_holds
from scripts.demo import mariadb, mongodb
from scripts.drill.sides import ROOT

__all__ = ["MARKET", "OLD_SHOPS", "OldShop"]

MARKET: Final = ROOT / "examples/market"


@dataclass(frozen=True)
class OldShop:
    """``server`` runs a store for a block; ``place`` is the store's address in the migration file, which is replaced by its own."""

    name: str
    is_there: Callable[[], bool]
    needs: str
    server: Callable[[Path, str], AbstractContextManager[str]]
    make: Callable[[str], None]
    holds: Callable[[str], Held]
    program: str
    file: str
    place: str

    def command(self, store: str, port: int) -> list[str]:
        """Return what serves the shop."""
        return [sys.executable, str(MARKET / self.program), "--port", str(port), "--database", store]


OLD_SHOPS: Final = (
    OldShop(
        "mariadb",
        mariadb.is_there,
        "mariadbd on PATH: apt-get install mariadb-server",
        mariadb.private_mariadb,
        make_old,
        old_holds,
        "legacy_shop.py",
        "migration.toml",
        "mysql://root@127.0.0.1:3306/market",
    ),
    OldShop(
        "mongodb",
        mongodb.is_there,
        "the MongoDB-compatible server: make mongodb-server",
        mongodb.private_mongodb,
        make_documents,
        document_holds,
        "document_shop.py",
        "migration_mongodb.toml",
        "mongodb://127.0.0.1:27017/market",
    ),
)
