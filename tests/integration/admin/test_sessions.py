"""A session goes on unseen, ends when it is ended, and is refused when it was stolen."""

import asyncio

import httpx2
import pytest

from caravan.core.protocols import TenancyRequest
from tests.fixtures.console import Console, add_person, browser_of, log_in, running_console, token_in

pytestmark = pytest.mark.asyncio


async def test_an_expired_token_is_renewed_and_the_reader_goes_on(browser: httpx2.AsyncClient) -> None:
    await log_in(browser)
    before = browser.cookies["caravan_refresh"]
    browser.cookies.delete("session")
    sent = await browser.get("/console/orders?page=1")
    assert sent.headers["location"] == "/console/renew?next=%2Fconsole%2Forders%3Fpage%3D1"
    renewed = await browser.get(sent.headers["location"])
    assert renewed.headers["location"] == "/console/orders?page=1"
    assert browser.cookies["caravan_refresh"] != before
    assert (await browser.get("/console/orders?page=1")).status_code == 200


async def test_an_unreadable_token_is_renewed_too(browser: httpx2.AsyncClient) -> None:
    await log_in(browser)
    browser.cookies.set("session", "not.a.token", domain="caravan.test", path="/console")
    sent = await browser.get("/console/orders")
    assert sent.headers["location"].startswith("/console/renew")


async def test_tabs_that_renew_together_all_go_on(console: Console, browser: httpx2.AsyncClient) -> None:
    await log_in(browser)
    refresh = {"Cookie": f"caravan_refresh={browser.cookies['caravan_refresh']}"}
    async with browser_of(console) as tabs:
        answers = await asyncio.gather(*(tabs.get("/console/renew", headers=refresh) for _ in range(8)))
        late = await tabs.get("/console/renew", headers=refresh)
    given = {answer.cookies["session"] for answer in (*answers, late)}
    assert len(given) == 1
    [token] = given
    caller = (await console.state.authenticator.authenticate(token, TenancyRequest())).principal
    assert caller.id is not None


async def test_a_refused_renewal_ends_in_the_log_in_with_no_cookie_left(browser: httpx2.AsyncClient) -> None:
    browser.cookies.set("caravan_refresh", "made up", domain="caravan.test", path="/console")
    answer = await browser.get("/console/renew?next=/console/orders")
    assert answer.headers["location"] == "/console/login?next=%2Fconsole%2Forders"
    assert "caravan_refresh" not in browser.cookies
    without = await browser.get("/console/renew?next=//evil.example")
    assert without.headers["location"] == "/console/login"


async def test_a_session_that_stays_refused_is_not_renewed_in_a_circle(browser: httpx2.AsyncClient) -> None:
    await log_in(browser)
    browser.cookies.delete("session")
    await browser.get("/console/renew")
    browser.cookies.delete("session")
    again = await browser.get("/console/orders")
    assert again.headers["location"].startswith("/console/login")


async def test_a_script_that_asks_with_an_expired_token_loads_the_page_anew(
    browser: httpx2.AsyncClient,
) -> None:
    answer = await browser.get("/console/orders?q=a", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/console/orders?q=a"
    assert answer.text == ""


async def test_logging_out_ends_the_session_in_identity(
    console: Console, browser: httpx2.AsyncClient
) -> None:
    await log_in(browser)
    page = await browser.get("/console/logout")
    kept = dict(browser.cookies)
    left = await browser.post("/console/logout", data={"form_token": token_in(page)})
    assert (left.status_code, left.headers["location"]) == (303, "/console/login?left=true")
    assert {"session", "caravan_refresh"}.isdisjoint(browser.cookies)
    assert "You are logged out." in (await browser.get("/console/login?left=true")).text
    async with browser_of(console) as thief:
        answer = await thief.get(
            "/console/renew", headers={"Cookie": f"caravan_refresh={kept['caravan_refresh']}"}
        )
        assert answer.headers["location"] == "/console/login"


async def test_logging_out_needs_the_form_of_this_session(
    console: Console, browser: httpx2.AsyncClient
) -> None:
    await log_in(browser)
    await add_person(console, "second@example.com")
    async with browser_of(console) as other:
        await log_in(other, "second@example.com")
        foreign = token_in(await other.get("/console/logout"))
    refused = await browser.post("/console/logout", data={"form_token": foreign})
    assert refused.status_code == 403
    assert (await browser.get("/console/orders")).status_code == 200


async def test_logging_out_with_an_expired_token_renews_and_asks_again(browser: httpx2.AsyncClient) -> None:
    await log_in(browser)
    browser.cookies.delete("session")
    answer = await browser.post("/console/logout", data={"form_token": "0" * 64})
    assert answer.headers["location"] == "/console/renew?next=%2Fconsole%2Flogout"
    assert (await browser.get(answer.headers["location"])).headers["location"] == "/console/logout"
    assert "Log out?" in (await browser.get("/console/logout")).text


async def test_tabs_that_renew_together_in_two_processes_all_go_on(
    console: Console, browser: httpx2.AsyncClient
) -> None:
    await log_in(browser)
    refresh = {"Cookie": f"caravan_refresh={browser.cookies['caravan_refresh']}"}
    home = console.state.settings.home
    async with (
        running_console(console.system.address, home) as twin,
        browser_of(console) as one,
        browser_of(twin) as other,
    ):
        answers = await asyncio.gather(*(tab.get("/console/renew", headers=refresh) for tab in (one, other)))
        given = [(answer.cookies["session"], answer.cookies["caravan_refresh"]) for answer in answers]
        assert len({kept for _, kept in given}) == 1
        for token, _ in given:
            caller = (await console.state.authenticator.authenticate(token, TenancyRequest())).principal
            assert caller.id is not None
        follows = {"Cookie": f"caravan_refresh={given[0][1]}"}
        assert "session" in (await other.get("/console/renew", headers=follows)).cookies
