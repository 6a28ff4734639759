"""Browsing the orders that were carried over: the tenant's, the client's, found, sorted and paged."""

import re
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import select, update

from caravan.commerce.orders import Order
from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.platform.identity.tenancy_tables import Client, Membership
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


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled(
    module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Filled]:
    async with running_console(module_database, tmp_path_factory.mktemp("console")) as console:
        await add_person(console, "owner@example.com")
        await other_organisation(console)
        await add_person(console, "stranger@example.com", org="elsewhere")
        ids = await fill(console)
        async with console.system.write() as session:
            deleted = update(Order).where(Order.number == "R10119").values(deleted_at=utc_now())
            odd = update(Order).where(Order.number == "R10118").values(number="50%_off", email=None)
            await session.execute(deleted)
            await session.execute(odd)
        yield console, ids


@pytest_asyncio.fixture(loop_scope="session")
async def owner(filled: Filled) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser_of(filled[0]) as client:
        await log_in(client)
        yield client


async def _numbers(client: httpx2.AsyncClient, query: str = "") -> list[str]:
    page = await client.get(f"/console/orders{query}")
    assert page.status_code == 200, page.text
    return re.findall(r'data-hx-boost="false"><bdi>([^<]+)</bdi>', page.text)


async def test_the_newest_orders_come_first_without_the_deleted(owner: httpx2.AsyncClient) -> None:
    found = await _numbers(owner)
    assert found[:3] == ["50%_off", "R10117", "R10116"]
    assert len(found) == 50


async def test_pages_show_every_order_once(owner: httpx2.AsyncClient) -> None:
    for sort in ("placed_at", "state", "email"):
        seen = [number for page in (1, 2, 3) for number in await _numbers(owner, f"?sort={sort}&page={page}")]
        assert len(seen) == len(set(seen)) == 119


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=r10007", ["R10007"]),
        ("?q=%20R10007%20", ["R10007"]),
        ("?q=BUYER012", ["R10012"]),
        ("?q=0%25_o", ["50%_off"]),
        ("?q=%25", ["50%_off"]),
        ("?q=_", ["50%_off"]),
        ("?q=%5C", []),
        ("?q=R1000&state=shipped", ["R10008", "R10002"]),
        ("?since=2026-03-01&until=2026-03-01", ["R10002", "R10001", "R10000"]),
        ("?until=2026-02-28", []),
        ("?since=9999-12-31", []),
        ("?q=R1000&until=9999-12-31&sort=number&dir=asc&page=1", [f"R1000{digit}" for digit in range(10)]),
        ("?q=R1000&sort=total", [f"R1000{digit}" for digit in range(9, -1, -1)]),
        ("?q=R1000&sort=password&dir=sideways&state=", [f"R1000{digit}" for digit in range(9, -1, -1)]),
    ],
)
async def test_orders_are_found_by_number_email_state_and_day(
    owner: httpx2.AsyncClient, query: str, found: list[str]
) -> None:
    assert await _numbers(owner, query) == found


async def test_links_keep_what_was_asked_for(owner: httpx2.AsyncClient) -> None:
    page = await owner.get("/console/orders?q=R10&state=&sort=total&dir=asc")
    assert 'href="?q=R10&amp;sort=total&amp;dir=asc&amp;page=2"' in page.text
    assert 'aria-sort="ascending"' in page.text
    assert 'name="sort" value="total"' in page.text


async def test_the_imported_state_stands_beside_ours_where_it_differs(owner: httpx2.AsyncClient) -> None:
    completed = await owner.get("/console/orders?q=R10006")
    assert 'title="As RPS had it"><bdi>COMPLETE</bdi>' in completed.text
    assert "As RPS had it" not in (await owner.get("/console/orders?q=R10004")).text


async def test_an_order_shows_all_that_hangs_on_it(owner: httpx2.AsyncClient, filled: Filled) -> None:
    page = await owner.get(f"/console/orders/{filled[1]['order']}")
    for text in (
        "Order <bdi>R10000</bdi>",
        "124.495 EUR",
        "in RPS: <bdi>COMPLETE</bdi>",
        "أحمد الحسن",
        "Sand &amp; Sea",
        "خيمة كبيرة",
        "Pegs &lt;b&gt;bold&lt;/b&gt;",
        "W-7",
        "not shipped",
        "Billing address",
        "Shipping address",
        "northpay",
        "SETTLED",
        "JD0140000001",
        "CARAVAN SHOP",
        "192.0.2.7",
        "SPRING",
        "loyaltyTier",
    ):
        assert text in page.text, text


async def test_an_order_without_anything_beside_it_is_shown_too(
    owner: httpx2.AsyncClient, filled: Filled
) -> None:
    console, _ = filled
    async with console.system.write() as session:
        bare = Order(
            org_id=console.org, currency="EUR", state="draft", placed_at=utc_now().replace(year=2001)
        )
        session.add(bare)
        await session.flush()
        address = f"/console/orders/{bare.id}"
    page = await owner.get(address)
    assert page.status_code == 200
    assert "This order has no lines." in page.text
    assert "Only in RPS" not in page.text
    async with console.system.write() as session:
        await session.delete(await session.get_one(Order, (console.org, bare.id)))


async def test_a_member_of_one_client_sees_its_orders_only(filled: Filled) -> None:
    console, ids = filled
    user = await add_person(console, "clerk@example.com", "client-admin")
    async with console.system.write() as session:
        client = Client(org_id=console.org, code="sandco", name="Sand & Co")
        session.add(client)
        await session.flush()
        membership = await session.scalar(select(Membership).where(Membership.user_id == user))
        assert membership is not None
        membership.client_id = client.id
        await session.execute(update(Order).where(Order.number == "R10005").values(client_id=client.id))
    async with browser_of(console) as clerk:
        await log_in(clerk, "clerk@example.com")
        assert await _numbers(clerk) == ["R10005"]
        assert (await clerk.get(f"/console/orders/{ids['order']}")).status_code == 404


async def test_another_organisation_sees_none_of_them(filled: Filled) -> None:
    async with browser_of(filled[0]) as stranger:
        await log_in(stranger, "stranger@example.com")
        assert "There are no orders yet." in (await stranger.get("/console/orders")).text
        assert (await stranger.get(f"/console/orders/{filled[1]['order']}")).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "?page=0",
        "?page=x",
        "?page=99999999999999999999",
        "?since=yesterday",
        "?until=2026-02-30",
        "?q=" + "x" * 201,
        "/7",
        "?q=%00",
        "?state=%00",
    ],
)
async def test_addresses_that_make_no_sense_are_refused(owner: httpx2.AsyncClient, path: str) -> None:
    answer = await owner.get(f"/console/orders{path}")
    assert (answer.status_code, "Traceback" in answer.text) == (422, False)


async def test_an_order_nobody_has_is_not_found(owner: httpx2.AsyncClient) -> None:
    assert (await owner.get(f"/console/orders/{uuid4()}")).status_code == 404
