"""The frame around every page: headers, files, errors, navigation, direction."""

import re

import httpx2
import pytest
from sqlalchemy import select

from caravan.core.http import route_rules
from caravan.platform.identity.tenancy_tables import Membership
from tests.fixtures.console import ROOMS, Console, add_person, browser_of, log_in

pytestmark = pytest.mark.asyncio


async def test_pages_are_kept_by_nobody_and_run_no_foreign_script(browser: httpx2.AsyncClient) -> None:
    await log_in(browser)
    for path in (
        "/console/login",
        "/console/overview",
        "/console/orders",
        "/console/quarantine",
        "/console/nowhere",
    ):
        answer = await browser.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")
        assert not re.search(r"<script(?! src=)|\son[a-z]+=|\sstyle=|<style", answer.text)
        assert "http://" not in answer.text.replace("http://caravan.test", "")
        assert "https://" not in answer.text


async def test_files_are_named_by_their_content_and_kept_for_a_year(browser: httpx2.AsyncClient) -> None:
    page = await browser.get("/console/login")
    files = re.findall(r'(?:href|src)="(/console/static/[^"]+)"', page.text)
    assert len(set(files)) == 4
    for file in files:
        answer = await browser.get(file)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    old = files[0].replace(files[0].split("/")[3], "000000000000")
    assert (await browser.get(old)).status_code == 404
    assert (await browser.get("/console/static/000000000000/nothing.css")).status_code == 404
    assert (await browser.get(files[0] + "/../../assets.py")).status_code == 404


async def test_an_error_is_a_page_that_says_what_to_do(browser: httpx2.AsyncClient) -> None:
    await log_in(browser)
    missing = await browser.get("/console/nowhere")
    assert missing.status_code == 404
    assert "No such path" in missing.text
    assert "path_not_found" in missing.text
    assert missing.headers["x-request-id"] in missing.text
    wrong = await browser.get("/console/orders?page=0")
    assert (wrong.status_code, "request_invalid" in wrong.text) == (422, True)
    put = await browser.put("/console/orders")
    assert put.status_code == 405
    assert put.headers["allow"] == "GET"


async def test_a_missing_permission_is_named(console: Console, browser: httpx2.AsyncClient) -> None:
    await add_person(console, "worker@example.com", "client-staff")
    await log_in(browser, "worker@example.com")
    answer = await browser.get("/console/overview")
    assert answer.status_code == 403
    assert "<code>admin</code> or <code>view_usage</code>" in answer.text
    assert (await browser.get("/console")).status_code == 403
    assert 'href="/console/orders"' not in answer.text


async def test_the_navigation_has_what_the_reader_may_open(
    console: Console, browser: httpx2.AsyncClient
) -> None:
    user = await add_person(console, "manager@example.com", "user", locale="ar-EG")
    async with console.system.write() as session:
        membership = await session.scalar(select(Membership).where(Membership.user_id == user))
        assert membership is not None
        membership.permissions = ["manage_projects"]
    await log_in(browser, "manager@example.com")
    assert (await browser.get("/console")).headers["location"] == "/console/orders"
    page = await browser.get("/console/orders")
    assert 'href="/console/orders" aria-current="page"' in page.text
    assert 'href="/console/quarantine"' not in page.text
    assert '<html lang="en" dir="rtl">' in page.text
    detail = await browser.get("/console/orders/00000000-0000-0000-0000-000000000000")
    assert (detail.status_code, 'aria-current="true"' in detail.text) == (404, True)


async def test_head_answers_as_get_does(browser: httpx2.AsyncClient) -> None:
    answer = await browser.head("/console/login")
    assert (answer.status_code, answer.text) == (200, "")


async def test_every_page_says_who_may_open_it() -> None:
    rules = list(route_rules([router for room in ROOMS for router in room.console_routers()]))
    open_to_all = {rule.path for rule in rules if rule.public}
    assert open_to_all == {
        "/console/forgot",
        "/console/invitation",
        "/console/login",
        "/console/login/code",
        "/console/password",
        "/console/password-reset",
        "/console/renew",
        "/console/static/{digest}/{name}",
    }
    assert all(
        rule.scopes for rule in rules if not rule.public and rule.path not in {"/console", "/console/logout"}
    )


async def test_a_bearer_token_opens_pages_as_well(console: Console, browser: httpx2.AsyncClient) -> None:
    await log_in(browser)
    headers = {"Authorization": f"Bearer {browser.cookies['session']}"}
    async with browser_of(console) as program:
        assert (await program.get("/console/orders", headers=headers)).status_code == 200
