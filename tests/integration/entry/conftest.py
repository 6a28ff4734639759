"""The command line in this process, on a database of the test's own."""

import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from caravan.core.database import DatabaseAddress
from caravan.entry.cli import main
from tests.fixtures.toy.shop import Shop, customers, make_shop, orders


@dataclass(frozen=True)
class Done:
    """What a command ended with and said."""

    code: int
    out: str
    err: str


class Caravan(Protocol):
    def __call__(self, *arguments: object) -> Done: ...


@pytest.fixture
def caravan(
    own_database: DatabaseAddress,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Caravan]:
    """Runs one command."""
    monkeypatch.setenv("DATABASE_URL", own_database.url)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("CARAVAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("NO_COLOR", "1")
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["caravan", *map(str, arguments)])
        capfd.readouterr()
        code: Any = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        said = capfd.readouterr()
        return Done(int(code), said.out, said.err)

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def shop(own_database: DatabaseAddress, tmp_path: Path) -> Shop:
    """A dump of 10 customers and 80 orders, and the tables it goes to."""
    shop = make_shop(own_database, tmp_path)
    shop.file.write_text(shop.file.read_text().replace("Toy Shop", "toy-shop"))
    shop.dump("customers", customers(10))
    shop.dump("orders", orders(80, customers=10))
    return shop
