"""What a request does to a store is seen in the store's own log, whatever the store; what others do meanwhile is told."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from caravan.migration.capture.options import CaptureOptions
from caravan.migration.config import MigrationConfig, read_config_text
from caravan.migration.cutover.observing.windows import Log, Probe, Window, windows
from caravan.migration.exchange import Answer, Request
from caravan.migration.load.planning import plan
from caravan.migration.sync.captures import Capture, capture_of_source, followed_sources
from tests.fixtures.capabilities import needs
from tests.fixtures.legacy_stores import LegacyStore, make_tables, opened_legacy

FILE = """
[migration]
name = "shop"
org = "retail"
[sources.shop]
{source}
[[data_sets]]
name = "customers"
source = "shop"
collection = "customers"
mapping = "tests.fixtures.toy.rows_mapping:customer"
"""


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=needs("mariadbd")), "postgresql"])
def legacy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LegacyStore]:
    with opened_legacy(request.param, request, tmp_path) as store:
        make_tables(store)
        yield store


def capture_of(legacy: LegacyStore) -> Capture:
    config: MigrationConfig = read_config_text(Path("migration.toml"), FILE.format(source=legacy.source))
    (own,) = followed_sources(config, plan(config, (uuid.uuid4(), None))).values()
    found = capture_of_source("shop", own, CaptureOptions(name="caravan_look"))
    return replace(found, collections=("customers", "orders"))


def test_a_request_uses_what_changed_in_its_window_and_what_others_write_meanwhile_is_told(
    legacy: LegacyStore,
) -> None:
    insert = "INSERT INTO customers (name) VALUES ('Ada')"
    does = {
        "POST": [insert, "INSERT INTO orders (number) VALUES ('N1')"],
        "PUT": ["UPDATE customers SET name = 'Ben'"],
        "DELETE": ["DELETE FROM orders"],
        "GET": [],
    }

    async def ask(request: Request) -> Answer:
        if does[request.method]:
            legacy.run(*does[request.method])
        return Answer(200)

    async def seen() -> list[Window]:
        probes = [Probe(method, f"{method} /orders", Request(method, "/orders")) for method in does]
        with Log(capture_of(legacy)) as log:
            legacy.run(insert)  # before the first request: somebody else's
            return [window async for window in windows(probes, ask, [log], settle=0.0)]

    found = asyncio.run(seen())
    assert [[(use.operation, use.table) for use in window.uses] for window in found] == [
        [("write", "customers"), ("write", "orders")],
        [("write", "customers")],
        [("delete", "orders")],
        [],
    ]
    assert [window.others for window in found] == [
        frozenset({"customers"}),
        frozenset(),
        frozenset(),
        frozenset(),
    ]
