"""An invitation, from the mail to the first log-in."""

from uuid import UUID

import httpx2
import pytest

from caravan.core.principal import Principal, PrincipalKind
from caravan.platform.identity.invites import create_invite
from tests.fixtures.console import PASSWORD, Console, add_person, log_in, other_organisation, token_in
from tests.fixtures.mail import mailed_link

pytestmark = pytest.mark.asyncio

NEW = "my very own password"


async def invited_link(console: Console, email: str, org: UUID | None = None) -> str:
    host = Principal(PrincipalKind.SERVICE, None, org or console.org, scopes=frozenset({"admin"}))
    async with console.system.write() as session:
        await create_invite(
            session, host, email=email, role="org-owner", client=None, now=console.identity.clock()
        )
    link = await mailed_link(console, email)
    assert link is not None
    return link.removeprefix(console.state.settings.url)


async def join(
    browser: httpx2.AsyncClient, page: httpx2.Response, link: str, **fields: str
) -> httpx2.Response:
    form = {"token": link.partition("?token=")[2], "form_token": token_in(page), "new": NEW, "again": NEW}
    return await browser.post("/console/invitation", data=form | fields)


async def test_who_is_new_chooses_name_and_password_and_logs_in(
    console: Console, browser: httpx2.AsyncClient
) -> None:
    link = await invited_link(console, "new@example.com")
    assert link.startswith("/console/invitation?token=")
    page = await browser.get(link)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "Join <bdi>Caravan</bdi>" in page.text
    assert "new@example.com" in page.text
    done = await join(browser, page, link, username="newcomer", display_name="New Comer")
    assert (done.status_code, done.headers["location"]) == (303, "/console/login?after=joined")
    assert "Welcome" in (await browser.get(done.headers["location"])).text
    assert (await log_in(browser, "newcomer", NEW)).headers["location"] == "/console"
    assert "New Comer" in (await browser.get("/console/overview")).text


async def test_names_are_optional(console: Console, browser: httpx2.AsyncClient) -> None:
    link = await invited_link(console, "plain@example.com")
    assert (await join(browser, await browser.get(link), link)).status_code == 303
    assert (await log_in(browser, "plain@example.com", NEW)).headers["location"] == "/console"


async def test_who_has_an_account_only_joins_and_keeps_the_password(
    console: Console, browser: httpx2.AsyncClient
) -> None:
    await add_person(console, "known@example.com")
    link = await invited_link(console, "known@example.com", await other_organisation(console))
    page = await browser.get(link)
    assert 'type="password"' not in page.text
    done = await join(browser, page, link, new="", again="")
    assert done.status_code == 303
    assert (await log_in(browser, "known@example.com", PASSWORD)).headers["location"] == "/console"


async def test_a_member_is_told_so(console: Console, browser: httpx2.AsyncClient) -> None:
    await add_person(console, "member@example.com")
    link = await invited_link(console, "member@example.com")
    answer = await join(browser, await browser.get(link), link)
    assert (answer.status_code, "a member already" in answer.text) == (409, True)


async def test_wrong_answers_are_said_and_the_invitation_stays_good(
    console: Console, browser: httpx2.AsyncClient
) -> None:
    await add_person(console, "holder@example.com")
    first = await invited_link(console, "taker@example.com")
    assert (await join(browser, await browser.get(first), first, username="taken")).status_code == 303
    link = await invited_link(console, "careless@example.com")
    page = await browser.get(link)
    for fields, status, told in (
        ({"again": "not the same"}, 400, "differ"),
        ({"username": "no spaces"}, 400, "3 to 64"),
        ({"new": "short", "again": "short"}, 400, "too weak"),
        ({"username": "taken"}, 409, "user name is taken"),
    ):
        page = await join(browser, page, link, display_name="Kept <b>", **fields)
        assert (page.status_code, told in page.text) == (status, True)
        assert 'value="Kept &lt;b&gt;"' in page.text
        assert NEW not in page.text
    assert (await join(browser, page, link, username="free")).status_code == 303


async def test_an_invitation_works_once(console: Console, browser: httpx2.AsyncClient) -> None:
    link = await invited_link(console, "single@example.com")
    page = await browser.get(link)
    await join(browser, page, link)
    for answer in (await browser.get(link), await join(browser, page, link)):
        assert (answer.status_code, "The invitation is not valid" in answer.text) == (400, True)


@pytest.mark.parametrize("query", ["", "?token=made-up"])
async def test_an_invitation_that_was_never_sent_is_told_kindly(
    browser: httpx2.AsyncClient, query: str
) -> None:
    answer = await browser.get(f"/console/invitation{query}")
    assert (answer.status_code, 'href="/console/login"' in answer.text) == (400, True)


async def test_the_form_needs_its_token(console: Console, browser: httpx2.AsyncClient) -> None:
    link = await invited_link(console, "forged@example.com")
    form = {"token": link.partition("?token=")[2], "new": NEW, "again": NEW}
    assert (await browser.post("/console/invitation", data=form)).status_code == 403
    assert (await browser.get(link)).status_code == 200
