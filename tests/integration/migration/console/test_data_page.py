"""The data page: flows as their processes left them, data sets as loads and verifications left them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import psycopg
import pytest
import pytest_asyncio

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.core.ids import uuid7
from caravan.migration.capture.changes import Change, Position, Transaction
from caravan.migration.capture.errors import CaptureStoppedError
from caravan.migration.config import read_config_text
from caravan.migration.console import MIGRATION_FILES
from caravan.migration.console.live import DATA_PLACE, page_mark
from caravan.migration.load.models import LedgerChunk, LoadRun, QuarantinedRecord
from caravan.migration.sync.flow_rows import FlowKey, Progress, create_flow
from caravan.migration.sync.holding import FlowHold
from caravan.migration.units import Scope, connected, register
from caravan.migration.verify.report import SubjectReport
from caravan.migration.verify.runs import begun_run
from tests.fixtures.console import (
    Console,
    add_person,
    browser_of,
    log_in,
    other_organisation,
    running_console,
)

pytestmark = pytest.mark.asyncio
BASE = "/console/migrations/shop"
FILE = """
[migration]
name = "shop"
org = "caravan"
[sources.old]
path = "dump"
[sources.books]
path = "books"
[[data_sets]]
name = "orders"
source = "old"
collection = "orders"
mapping = "a.b:orders"
[[data_sets]]
name = "ledgers"
source = "books"
collection = "ledgers"
mapping = "a.b:ledgers"
[[units]]
name = "orders"
data_sets = ["orders"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled(
    module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Console]:
    async with running_console(module_database, tmp_path_factory.mktemp("console")) as console:
        await add_person(console, "owner@example.com")
        await other_organisation(console)
        await add_person(console, "stranger@example.com", org="elsewhere")
        scope = Scope(console.org, "shop")
        config = read_config_text(Path("migration.toml"), FILE)
        with connected(module_database) as connection:
            register(connection, scope, config, by="Ann", at=utc_now())
            _carry(connection, scope)
        _verify(module_database, scope)
        await _load(console)
        console.state.services[MIGRATION_FILES] = {(console.org, "shop"): config}
        yield console


@pytest_asyncio.fixture(loop_scope="session")
async def owner(filled: Console) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser_of(filled) as client:
        await log_in(client)
        yield client


def _carry(connection: psycopg.Connection, scope: Scope) -> None:
    """One flow runs, its way back has seen a foreign write, another one has failed."""
    running = _held(connection, FlowKey(scope.org_id, "shop", "old", "forward"))
    with connection.transaction(), connection.cursor() as cursor:
        running.move(cursor, Progress(Position(1200), None, 7, applied=1500, passed=20, refused=3))
    running.beat(head=1900, pending=4, lag=12.5)
    back = FlowKey(scope.org_id, "shop", "old", "reverse")
    create_flow(connection, back, Position(0), mode="watch")
    watching = FlowHold(connection, back)
    watching.take("nas-1")
    written = Change("orders", "delete", {"id": "<7>"}, None, 0)
    watching.watch([Transaction(Position(40), datetime(2026, 5, 4, 9, 30, tzinfo=UTC), (written,))])
    watching.beat(head=40, pending=0, lag=0.0)
    failed = _held(connection, FlowKey(scope.org_id, "shop", "books", "forward"))
    failed.end(failed=CaptureStoppedError("The log was cut at 17."))


def _held(connection: psycopg.Connection, key: FlowKey) -> FlowHold:
    create_flow(connection, key, Position(0))
    hold = FlowHold(connection, key)
    hold.take("carrier-1")
    return hold


def _verify(address: DatabaseAddress, scope: Scope) -> None:
    """Orders were verified twice, and are being verified again; a pair of tables is the same."""
    for counts in ({"missing": 9}, {"missing": 1, "fields": 1}):
        report = SubjectReport("data set orders", left_rows=4321, counts=dict(counts), not_judged=6)
        with begun_run(address, scope.org_id, "shop", "data set orders", "plan") as run:
            run.end(report.verdict, report.kept())
    with begun_run(address, scope.org_id, "shop", "data set orders", "plan"):
        pass
    pair = SubjectReport("old.orders = target.orders", left_rows=88)
    with begun_run(address, scope.org_id, "shop", pair.subject, "plan") as run:
        run.end(pair.verdict, pair.kept())


async def _load(console: Console) -> None:
    """Two chunks of orders; a class of the quarantine is waived, one that a flow refused is not."""
    shared = {"org_id": console.org, "migration": "shop", "data_set": "orders"}
    waiver = {"class": "amount.not_a_number", "owner": "Finance", "reason": "tests", "until": "2099-12-31"}
    report = {"checksums": {"orders": "9f3c" * 8}, "waivers": [waiver]}
    chunks = [
        LedgerChunk(
            **shared,
            chunk=number,
            first_ordinal=number * 1000,
            records=1000,
            quarantined=quarantined,
            source_hash=b"\x01",
            mapping_version="1",
            sums={"orders": [1000 - quarantined, "0a"], "order_items": [2500, "0b"]},
        )
        for number, quarantined in enumerate((2, 0))
    ]
    refused = [
        QuarantinedRecord(
            **shared,
            id=uuid7(),
            chunk=chunk,
            ordinal=ordinal,
            file="orders.bson",
            byte_offset=0,
            reason=reason,
            field="total",
            detail="'n/a' is not a number",
        )
        for ordinal, (chunk, reason) in enumerate(
            ((0, "amount.not_a_number"), (0, "amount.not_a_number"), (-1, "reference.unclear"))
        )
    ]
    async with console.system.write() as session:
        run = LoadRun(org_id=console.org, id=uuid7(), migration="shop", status="quarantined", report=report)
        session.add_all([run, *chunks, *refused])


def row(page: str, *texts: str) -> str:
    """Return the first row of a table that has these in it."""
    rows = page.split('<tr role="row">')[1:]
    return next((part for part in rows if all(text in part for text in texts)), "")


async def test_a_flow_shows_position_lag_and_what_became_of_its_rows(owner: httpx2.AsyncClient) -> None:
    page = (await owner.get(f"{BASE}/data")).text
    shown = row(page, "<bdi>old</bdi>", "old to new")
    for text in (
        "1200",
        "of 1900",
        "4 transactions",
        "1,500 applied",
        "20 overtaken",
        "3 refused",
        "carrier-1",
    ):
        assert text in shown
    assert "applies changes" in shown
    assert "caught up" not in shown


async def test_a_foreign_write_is_an_alarm_that_names_the_row(owner: httpx2.AsyncClient) -> None:
    page = (await owner.get(f"{BASE}/data")).text
    alarm = next(part for part in page.split('role="alert"') if "foreign write" in part)
    assert "<strong>1 foreign write</strong>" in alarm
    assert "delete in <bdi>orders</bdi>" in alarm
    assert "&#34;&lt;7&gt;&#34;" in alarm
    assert "watches for foreign writes" in row(page, "new to old")


async def test_a_failed_flow_shows_its_error_and_what_to_do(owner: httpx2.AsyncClient) -> None:
    page = (await owner.get(f"{BASE}/data")).text
    assert f"<code>{CaptureStoppedError.code}</code> <bdi>The log was cut at 17.</bdi>" in page
    assert CaptureStoppedError.fix.split("`")[0] in page
    assert 'badge bad">failed' in row(page, "<bdi>books</bdi>")


async def test_a_data_set_shows_what_was_loaded_refused_and_verified(owner: httpx2.AsyncClient) -> None:
    page = (await owner.get(f"{BASE}/data")).text
    shown = row(page, '"Data set"><bdi>orders</bdi>')
    for text in (
        ">1,998<",
        'badge warn">waived',
        'badge bad">not waived',
        "1 refused by a flow",
        "reason=amount.not_a_number",
        'badge bad">different',
        "4,321 rows, 2 differ, 6 were still changing",
        "has not ended",
        "<bdi>order_items</bdi> 5,000",
        "9f3c" * 8,
        "no checksum yet",
    ):
        assert text in shown, text
    none = row(page, '"Data set"><bdi>ledgers</bdi>')
    assert "none yet" in none
    assert ">never<" in none


async def test_tables_that_were_compared_stand_below(owner: httpx2.AsyncClient) -> None:
    shown = row((await owner.get(f"{BASE}/data")).text, "old.orders = target.orders")
    assert 'badge good">same' in shown
    assert "88 rows, 0 differ" in shown


async def test_the_page_is_linked_and_has_no_scripts_of_its_own(owner: httpx2.AsyncClient) -> None:
    assert f'href="{BASE}/data"' in (await owner.get(BASE)).text
    page = (await owner.get(f"{BASE}/data")).text
    assert f'data-live="{BASE}/live?place=data"' in page
    assert "<script>" not in page
    assert "style=" not in page


async def test_what_ends_meanwhile_is_told_to_the_data_page_alone(
    filled: Console, module_database: DatabaseAddress
) -> None:
    async def marks() -> list[str]:
        async with filled.system.read() as session:
            return [await page_mark(session, filled.org, "shop", place) for place in (DATA_PLACE, "overview")]

    data, overview = await marks()
    with begun_run(module_database, filled.org, "shop", "old.lines = target.lines", "plan"):
        pass
    after, overview_after = await marks()
    assert overview_after == overview
    runs, runs_after = (mark.split(".")[-2] for mark in (data, after))
    assert runs_after != runs


async def test_another_organisation_finds_no_data(filled: Console) -> None:
    async with browser_of(filled) as client:
        await log_in(client, "stranger@example.com")
        assert (await client.get(f"{BASE}/data")).status_code == 404
