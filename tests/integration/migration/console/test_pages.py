"""The engine's pages: what was loaded, what was quarantined and why, for the tenant alone."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio
import sqlalchemy

from caravan.core.database import DatabaseAddress
from caravan.platform.audit import Audit
from tests.fixtures.console import (
    Console,
    add_person,
    browser_of,
    log_in,
    other_organisation,
    running_console,
)
from tests.fixtures.console_data import fill

pytestmark = pytest.mark.asyncio
Filled = tuple[Console, dict[str, UUID]]
_AUDITED = sqlalchemy.text(
    "SELECT org_id, principal, entity_id FROM audit_entries WHERE action = 'quarantine.original_opened'"
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled(
    module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Filled]:
    async with running_console(module_database, tmp_path_factory.mktemp("console")) as console:
        await add_person(console, "owner@example.com")
        await add_person(console, "auditor@example.com", "org-staff")
        await other_organisation(console)
        await add_person(console, "stranger@example.com", org="elsewhere")
        yield console, await fill(console, orders=12)


@pytest_asyncio.fixture(loop_scope="session")
async def owner(filled: Filled) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser_of(filled[0]) as client:
        await log_in(client)
        yield client


async def test_the_overview_sums_up_each_migration(owner: httpx2.AsyncClient) -> None:
    page = await owner.get("/console/overview")
    assert page.status_code == 200
    assert 'href="/console/loads/rps"' in page.text
    for text in ("472", "412", "60", "1 not waived", "2 of 3", "transactions.order_id 2"):
        assert text in page.text
    assert 'aria-label="customers: 400 loaded, 0 unchanged, 0 in quarantine"' in page.text


async def test_a_load_shows_sums_checks_checksums_and_waivers(owner: httpx2.AsyncClient) -> None:
    page = await owner.get("/console/loads/rps")
    for text in (
        "15,231.4050",
        "9f3c9f3c",
        "counted: 520",
        "Finance",
        "until 2099-12-31",
    ):
        assert text in page.text
    assert page.text.index(">orphans") < page.text.index(">checksums")


async def test_findings_are_filtered_and_paged(owner: httpx2.AsyncClient) -> None:
    first = await owner.get("/console/loads/rps")
    assert "of 58" in first.text
    second = await owner.get("/console/loads/rps?page=2")
    assert "51&#8211;58 of 58" in second.text
    few = await owner.get("/console/loads/rps?kind=reference.missing&data_set=orders")
    assert "no customer 5f0c" in few.text
    assert "occurs twice" not in few.text
    none = await owner.get("/console/loads/rps?data_set=customers")
    assert "No findings of this kind." in none.text
    beyond = await owner.get("/console/loads/rps?page=999")
    assert "51&#8211;58 of 58" in beyond.text


async def test_an_unknown_migration_is_not_found(owner: httpx2.AsyncClient) -> None:
    assert (await owner.get("/console/loads/none")).status_code == 404


async def test_the_quarantine_says_class_field_reason_file_offset_and_waiver(
    owner: httpx2.AsyncClient,
) -> None:
    page = await owner.get("/console/quarantine")
    for text in (
        "60 records",
        "amount.not_a_number",
        "totalAmount",
        "is not a number",
        "dump/orders.bson.gz",
        "byte 4,096",
    ):
        assert text in page.text
    broken = await owner.get("/console/quarantine?reason=record.not_bson")
    assert "1 record<" in broken.text
    assert "not waived" in broken.text
    waived = await owner.get(
        "/console/quarantine?reason=amount.not_a_number&migration=rps&data_set=orders&page=2"
    )
    assert "51&#8211;59 of 59" in waived.text
    assert "not waived" not in waived.text
    assert "No record fits." in (await owner.get("/console/quarantine?data_set=customers")).text


async def test_an_administrator_reads_the_original_escaped(owner: httpx2.AsyncClient, filled: Filled) -> None:
    page = await owner.get(f"/console/quarantine/{filled[1]['broken']}")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<script>alert" not in page.text
    assert "Record 0" in page.text


async def test_whoever_opens_an_original_is_in_the_audit(
    owner: httpx2.AsyncClient, filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    console, ids = filled
    monkeypatch.setattr(console.state, "audit", Audit())
    for record in ("broken", "purged"):
        await owner.get(f"/console/quarantine/{ids[record]}")
    async with console.system.read() as session:
        entries = (await session.execute(_AUDITED)).all()
    assert [(entry.entity_id, entry.org_id) for entry in entries] == [(str(ids["broken"]), console.org)]
    assert entries[0].principal.startswith("user:")


async def test_a_purged_original_is_said_to_be_gone(owner: httpx2.AsyncClient, filled: Filled) -> None:
    page = await owner.get(f"/console/quarantine/{filled[1]['purged']}")
    assert "purged when its retention ended" in page.text
    assert "Waived by" in page.text


async def test_without_the_key_the_original_stays_closed(owner: httpx2.AsyncClient, filled: Filled) -> None:
    console, ids = filled
    key = console.state.settings.keys_folder / "quarantine.key"
    kept = key.read_bytes()
    address = f"/console/quarantine/{ids['broken']}"
    try:
        key.write_bytes(b"another key of thirty-two bytes!")
        assert "Put back the key file" in (await owner.get(address)).text
        key.unlink()
        assert "is not on this machine" in (await owner.get(address)).text
    finally:
        key.write_bytes(kept)


async def test_an_auditor_sees_everything_but_the_original(filled: Filled) -> None:
    async with browser_of(filled[0]) as client:
        await log_in(client, "auditor@example.com")
        page = await client.get(f"/console/quarantine/{filled[1]['broken']}")
    assert page.status_code == 200
    assert "Shown to administrators only" in page.text
    assert "alert(1)" not in page.text


async def test_another_organisation_sees_nothing_of_it(filled: Filled) -> None:
    async with browser_of(filled[0]) as client:
        await log_in(client, "stranger@example.com")
        assert "Nothing has been loaded yet." in (await client.get("/console/overview")).text
        assert "Nothing is in quarantine." in (await client.get("/console/quarantine")).text
        assert (await client.get("/console/loads/rps")).status_code == 404
        assert (await client.get(f"/console/quarantine/{filled[1]['broken']}")).status_code == 404


async def test_wrong_addresses_are_errors_and_no_stack_traces(owner: httpx2.AsyncClient) -> None:
    assert (await owner.get(f"/console/quarantine/{uuid4()}")).status_code == 404
    for path in (
        "/console/quarantine/7",
        "/console/quarantine?page=x",
        "/console/quarantine?reason=%00",
        "/console/loads/%00",
        f"/console/quarantine?reason={'x' * 300}",
    ):
        answer = await owner.get(path)
        assert (answer.status_code, "Traceback" in answer.text) == (422, False)
