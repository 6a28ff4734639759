"""A forgotten password, from the question to the next log-in."""

from pathlib import Path

import httpx2
import pytest

from tests.fixtures.console import (
    PASSWORD,
    Console,
    add_person,
    browser_of,
    log_in,
    running_console,
    token_in,
)
from tests.fixtures.mail import mailed_link

pytestmark = pytest.mark.asyncio

NEW = "another long password"


async def ask(browser: httpx2.AsyncClient, name: str) -> httpx2.Response:
    page = await browser.get("/console/forgot")
    return await browser.post("/console/forgot", data={"name": name, "form_token": token_in(page)})


async def asked_link(console: Console, browser: httpx2.AsyncClient, email: str) -> str:
    await ask(browser, email)
    link = await mailed_link(console, email)
    assert link is not None
    return link.removeprefix(console.state.settings.url)


async def choose(
    browser: httpx2.AsyncClient, page: httpx2.Response, link: str, new: str, again: str | None = None
) -> httpx2.Response:
    form = {
        "token": link.partition("?token=")[2],
        "new": new,
        "again": new if again is None else again,
        "form_token": token_in(page),
    }
    return await browser.post("/console/password-reset", data=form)


async def test_the_log_in_page_leads_to_the_form(browser: httpx2.AsyncClient) -> None:
    assert 'href="/console/forgot"' in (await browser.get("/console/login")).text
    form = await browser.get("/console/forgot")
    assert (form.status_code, "Send the link" in form.text) == (200, True)


async def test_a_new_password_is_set_by_the_link_and_ends_every_session(
    console: Console, browser: httpx2.AsyncClient
) -> None:
    await add_person(console, "forgetful@example.com")
    await log_in(browser, "forgetful@example.com")
    link = await asked_link(console, browser, "forgetful@example.com")
    assert link.startswith("/console/password-reset?token=")
    page = await browser.get(link)
    assert page.status_code == 200
    done = await choose(browser, page, link, NEW)
    assert (done.status_code, done.headers["location"]) == (303, "/console/login?after=reset")
    assert not {"session", "caravan_refresh"} & set(browser.cookies)
    shown = await browser.get(done.headers["location"])
    assert "Your password is changed" in shown.text
    assert (await log_in(browser, "forgetful@example.com", PASSWORD)).status_code == 401
    assert (await log_in(browser, "forgetful@example.com", NEW)).headers["location"] == "/console"


async def test_a_link_works_once(console: Console, browser: httpx2.AsyncClient) -> None:
    await add_person(console, "once@example.com")
    link = await asked_link(console, browser, "once@example.com")
    page = await browser.get(link)
    assert (await choose(browser, page, link, NEW)).status_code == 303
    for answer in (await browser.get(link), await choose(browser, page, link, "a third password")):
        assert (answer.status_code, "The reset link is not valid" in answer.text) == (400, True)
        assert 'href="/console/forgot"' in answer.text
    assert (await log_in(browser, "once@example.com", NEW)).status_code == 303


@pytest.mark.parametrize("query", ["", "?token=", "?token=made-up", "?token=%00%ff"])
async def test_a_link_that_was_never_sent_is_told_kindly(browser: httpx2.AsyncClient, query: str) -> None:
    answer = await browser.get(f"/console/password-reset{query}")
    assert (answer.status_code, "Ask for a new link" in answer.text) == (400, True)


async def test_a_refused_password_leaves_the_link_good(console: Console, browser: httpx2.AsyncClient) -> None:
    await add_person(console, "weak@example.com")
    link = await asked_link(console, browser, "weak@example.com")
    page = await browser.get(link)
    for new, again, told in ((NEW, "not the same", "differ"), ("short", None, "too weak")):
        answer = await choose(browser, page, link, new, again)
        assert (answer.status_code, told in answer.text) == (400, True)
        assert new not in answer.text
        page = answer
    assert (await choose(browser, page, link, NEW)).status_code == 303


async def test_whether_somebody_exists_cannot_be_seen(console: Console, browser: httpx2.AsyncClient) -> None:
    answers = [await ask(browser, name) for name in ("owner@example.com", "nobody@example.com", "no-name")]
    assert {(answer.status_code, answer.headers["location"], answer.text) for answer in answers} == {
        (303, "/console/forgot?sent=true", "")
    }
    shown = await browser.get("/console/forgot?sent=true")
    assert "If there is such an account" in shown.text
    assert await mailed_link(console, "nobody@example.com") is None


async def test_a_name_must_be_given(browser: httpx2.AsyncClient) -> None:
    answer = await ask(browser, " ")
    assert (answer.status_code, "Fill in your e-mail address" in answer.text) == (400, True)


@pytest.mark.parametrize("path", ["/console/forgot", "/console/login"])
async def test_a_name_that_no_table_can_hold_is_refused(browser: httpx2.AsyncClient, path: str) -> None:
    token = token_in(await browser.get(path))
    answer = await browser.post(path, data={"name": "a\0b", "password": PASSWORD, "form_token": token})
    assert answer.status_code == 422
    assert "<h1>" in answer.text


async def test_the_forms_need_their_token(browser: httpx2.AsyncClient) -> None:
    for path in ("/console/forgot", "/console/password-reset"):
        await browser.get("/console/login")
        answer = await browser.post(path, data={"name": "owner@example.com", "token": "x", "new": NEW})
        assert (answer.status_code, "no longer valid" in answer.text) == (403, True)


async def test_the_token_leaves_the_page_nowhere(console: Console, browser: httpx2.AsyncClient) -> None:
    await add_person(console, "private@example.com")
    answer = await browser.get(await asked_link(console, browser, "private@example.com"))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_questions_and_guesses_count_as_log_ins(
    console: Console, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for path in ("/console/forgot", "/console/password-reset", "/console/invitation"):
        home: Path = tmp_path_factory.mktemp("limited")
        async with (
            running_console(console.system.address, home, rate_limits=True, rate_limit_login=2) as limited,
            browser_of(limited) as client,
        ):
            token = token_in(await client.get("/console/login"))
            answers = [await client.post(path, data={"form_token": token}) for _ in range(3)]
            shown = await client.get(path)
        assert [answer.status_code for answer in answers] == [400, 400, 429]
        assert shown.status_code != 429
