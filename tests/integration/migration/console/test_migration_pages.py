"""The pages of a migration with routes: what there is to see, and who may see it."""

from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from caravan.core.database import DatabaseAddress
from caravan.migration.console import MIGRATION_FILES
from caravan.migration.units import NoGateways
from tests.fixtures.console import (
    Console,
    add_person,
    browser_of,
    log_in,
    other_organisation,
    running_console,
)
from tests.fixtures.migration_data import DIFFERENCE, fill_migration, migration_file

pytestmark = pytest.mark.asyncio
BASE = "/console/migrations/shop"
PAGES = (
    BASE,
    f"{BASE}/units/orders",
    f"{BASE}/differences",
    f"{BASE}/differences/{DIFFERENCE}",
    f"{BASE}/accepted",
    f"{BASE}/journal",
    f"{BASE}/live",
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled(
    module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Console]:
    async with running_console(module_database, tmp_path_factory.mktemp("console")) as console:
        await add_person(console, "owner@example.com")
        await add_person(console, "auditor@example.com", "org-staff")
        await add_person(console, "worker@example.com", "client-staff")
        await other_organisation(console)
        await add_person(console, "stranger@example.com", org="elsewhere")
        config = migration_file()
        fill_migration(module_database, console.org, config)
        console.state.services[MIGRATION_FILES] = {(console.org, "shop"): config}
        console.state.services["migration_publishers"] = lambda *_: NoGateways()
        yield console


@pytest_asyncio.fixture(loop_scope="session")
async def owner(filled: Console) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser_of(filled) as client:
        await log_in(client)
        yield client


async def test_the_list_names_each_migration_with_the_states_of_its_units(owner: httpx2.AsyncClient) -> None:
    page = (await owner.get("/console/migrations")).text
    for text in (f'href="{BASE}"', f'href="{BASE}/units/orders"', "canary 5.0 %", "discovered"):
        assert text in page


async def test_a_migration_shows_units_gates_traffic_tasks_and_who_is_at_work(
    owner: httpx2.AsyncClient,
) -> None:
    page = (await owner.get(BASE)).text
    for text in (
        "412 keys on the new side, 7,733 on the old",
        "canary: keys: <strong><bdi>412</bdi></strong>",
        "needed: at least 100",
        "total is rounded differently on 2 routes",
        "48,213 exchanges taken",
        "No gateway process has reported",
        "mend the new side, or accept it",
        "contract: <strong><bdi>nothing yet</bdi></strong>",
    ):
        assert text in page


async def test_charts_tell_both_sides_apart_in_words_and_strokes(owner: httpx2.AsyncClient) -> None:
    page = (await owner.get(BASE)).text
    assert page.count("<figure") == 5
    assert page.count('<path class="old" d="M0 ') == page.count('<path class="new" d="M0 ') > 0
    for text in (
        "Requests per second, the last ten minutes",
        "old side: now 9",
        "Duration, p99",
        "As a table",
    ):
        assert text in page
    assert "style=" not in page


async def test_a_unit_shows_its_gate_and_the_ways_it_has(owner: httpx2.AsyncClient) -> None:
    page = (await owner.get(f"{BASE}/units/orders")).text
    assert f'href="{BASE}/units/orders/ways/canary%3A25?back=false"' in page
    assert f'href="{BASE}/units/orders/ways/shadow-read?back=true"' in page
    other = (await owner.get(f"{BASE}/units/basket")).text
    assert "Go on to contracted: gate closed" in other


async def test_differences_are_listed_by_cause_and_filtered_by_unit(owner: httpx2.AsyncClient) -> None:
    page = (await owner.get(f"{BASE}/differences")).text
    for text in (
        "2 causes",
        "total is rounded differently",
        "note is missing",
        "2 places",
        ">94<",
        "suspected",
    ):
        assert text in page
    assert "No difference has been found." in (await owner.get(f"{BASE}/differences?unit=basket")).text


async def test_a_difference_shows_both_sides_with_the_leaves_that_differ(owner: httpx2.AsyncClient) -> None:
    page = (await owner.get(f"{BASE}/differences/{DIFFERENCE}")).text
    assert page.count('class="differs"') == 2
    assert "<del>" in page
    assert "&#34;19.90&#34;" in page
    assert "&#34;19.91&#34;" in page
    assert "to 1 against chance; reported" in page
    shape = (await owner.get(f"{BASE}/differences/00aa11bb22cc33dd")).text
    assert "what is there on both sides still is" in shape
    assert 'name="place" value="GET /orders&#9;$[].note"' in shape


async def test_the_journal_is_filtered_and_says_that_its_chain_holds(owner: httpx2.AsyncClient) -> None:
    page = (await owner.get(f"{BASE}/journal")).text
    assert "entries holds" in page
    assert "open the canary" in page
    few = (await owner.get(f"{BASE}/journal?unit=orders&phase=done")).text
    assert few.count('data-label="When"') == 4
    assert "No entry fits." in (await owner.get(f"{BASE}/journal?unit=none")).text


async def test_before_traffic_changes_the_plan_is_shown(owner: httpx2.AsyncClient) -> None:
    page = (await owner.get(f"{BASE}/units/orders/ways/canary:25")).text
    for text in ("What will change", "widen the canary", "canary:5", "publish", "Reason, for the journal"):
        assert text in page
    assert (await owner.get(f"{BASE}/units/orders/ways/complete")).status_code == 404


@pytest.mark.parametrize("path", PAGES)
async def test_who_lacks_the_right_to_look_is_refused(filled: Console, path: str) -> None:
    async with browser_of(filled) as client:
        await log_in(client, "worker@example.com")
        answer = await client.get(path)
    assert answer.status_code == 403
    assert "view_migrations" in answer.text


@pytest.mark.parametrize("path", PAGES)
async def test_another_organisation_finds_nothing(filled: Console, path: str) -> None:
    async with browser_of(filled) as client:
        await log_in(client, "stranger@example.com")
        answer = await client.get(path)
        listed = await client.get("/console/migrations")
    assert answer.status_code == 404
    assert "No migration has been begun." in listed.text


async def test_an_auditor_looks_and_is_offered_no_act(filled: Console) -> None:
    async with browser_of(filled) as client:
        await log_in(client, "auditor@example.com")
        unit = (await client.get(f"{BASE}/units/orders")).text
        difference = (await client.get(f"{BASE}/differences/{DIFFERENCE}")).text
        question = await client.get(f"{BASE}/units/orders/ways/canary:25")
    assert "needs the permission <code>switch_traffic</code>" in unit
    assert "needs the permission <code>accept_differences</code>" in difference
    assert question.status_code == 403


async def test_the_stream_answers_head_and_stays_closed(owner: httpx2.AsyncClient) -> None:
    answer = await owner.head(f"{BASE}/live")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


async def test_wrong_addresses_are_errors_and_no_stack_traces(owner: httpx2.AsyncClient) -> None:
    for path, status in (
        (f"{BASE}/units/none", 404),
        (f"{BASE}/differences/none", 404),
        ("/console/migrations/none", 404),
        ("/console/migrations/%00", 422),
        (f"{BASE}/journal?page=x", 422),
    ):
        answer = await owner.get(path)
        assert (path, answer.status_code, "Traceback" in answer.text) == (path, status, False)
