"""Log-in, its further steps, and what it leaves in the browser."""

import httpx2
import pyotp
import pytest

from caravan.core.protocols import TenancyRequest
from caravan.platform.identity.totp import enable_totp, set_up_totp
from tests.fixtures.console import (
    PASSWORD,
    Console,
    add_person,
    browser_of,
    log_in,
    running_console,
    token_in,
)

pytestmark = pytest.mark.asyncio


async def test_anonymous_readers_are_sent_to_log_in_and_come_back(browser: httpx2.AsyncClient) -> None:
    sent = await browser.get("/console/orders?q=a&page=2")
    assert sent.status_code == 303
    assert sent.headers["location"] == "/console/login?next=%2Fconsole%2Forders%3Fq%3Da%26page%3D2"
    form = await browser.get(sent.headers["location"])
    assert 'name="next" value="/console/orders?q=a&amp;page=2"' in form.text
    answer = await log_in(browser, next="/console/orders?q=a&page=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/orders?q=a&page=2")


async def test_the_first_page_is_the_first_one_open_to_the_reader(browser: httpx2.AsyncClient) -> None:
    await log_in(browser)
    answer = await browser.get("/console")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/overview")
    assert (await browser.get("/console/login")).headers["location"] == "/console"


async def test_a_destination_elsewhere_is_not_followed(browser: httpx2.AsyncClient) -> None:
    answer = await log_in(browser, next="https://evil.example/console")
    assert answer.headers["location"] == "/console"


async def test_cookies_are_for_the_console_alone_and_closed_to_scripts(browser: httpx2.AsyncClient) -> None:
    answer = await log_in(browser)
    cookies = {line.partition("=")[0]: line.lower() for line in answer.headers.get_list("set-cookie")}
    assert {"session", "caravan_refresh"} <= cookies.keys()
    for name in ("session", "caravan_refresh"):
        assert "httponly" in cookies[name]
        assert "samesite=lax" in cookies[name]
        assert "path=/console" in cookies[name]
        assert "secure" not in cookies[name]
    assert "max-age=900" in cookies["session"] or "max-age=899" in cookies["session"]


async def test_behind_https_cookies_are_secure(
    console: Console, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("https")
    address = console.system.address
    async with (
        running_console(address, home, public_url="https://caravan.test") as secured,
        browser_of(secured, "https") as client,
    ):
        first = await client.get("/console/login")
        answer = await log_in(client)
    lines = first.headers.get_list("set-cookie") + answer.headers.get_list("set-cookie")
    assert len(lines) >= 3
    assert all("secure" in line.lower() for line in lines)


@pytest.mark.parametrize(
    ("name", "password"), [("owner@example.com", "wrong"), ("nobody@example.com", PASSWORD)]
)
async def test_a_wrong_name_and_a_wrong_password_read_the_same(
    browser: httpx2.AsyncClient, name: str, password: str
) -> None:
    answer = await log_in(browser, name, password)
    assert answer.status_code == 401
    assert "Wrong name or password" in answer.text
    assert password not in answer.text
    assert "session" not in browser.cookies


async def test_empty_fields_are_asked_for_without_asking_identity(browser: httpx2.AsyncClient) -> None:
    answer = await log_in(browser, " ", "")
    assert answer.status_code == 400
    assert "Fill in both" in answer.text


async def test_a_name_is_shown_again_escaped(browser: httpx2.AsyncClient) -> None:
    answer = await log_in(browser, '"><script>alert(1)</script>', "x")
    assert "<script>alert" not in answer.text


async def test_the_form_needs_the_token_of_this_very_visit(
    console: Console, browser: httpx2.AsyncClient
) -> None:
    form = {"name": "owner@example.com", "password": PASSWORD}
    without = await browser.post("/console/login", data=form)
    assert (without.status_code, "no longer valid" in without.text) == (403, True)
    async with browser_of(console) as other:
        foreign = token_in(await other.get("/console/login"))
    await browser.get("/console/login")
    answer = await browser.post("/console/login", data={**form, "form_token": foreign})
    assert answer.status_code == 403
    assert "session" not in browser.cookies


async def test_a_one_time_code_is_the_second_step(console: Console, browser: httpx2.AsyncClient) -> None:
    await add_person(console, "careful@example.com")
    await log_in(browser, "careful@example.com")
    token = browser.cookies["session"]
    caller = (await console.state.authenticator.authenticate(token, TenancyRequest())).principal
    async with console.system.write() as session:
        secret = (await set_up_totp(session, console.identity, caller)).secret
    generator = pyotp.TOTP(secret)
    async with console.system.write() as session:
        await enable_totp(session, console.identity, caller, generator.now())
    async with browser_of(console) as client:
        step = await log_in(client, "careful@example.com", next="/console/orders")
        assert (step.status_code, step.headers["location"]) == (303, "/console/login/code")
        assert "session" not in client.cookies
        page = await client.get("/console/login/code")
        assert PASSWORD not in page.text
        wrong = await client.post(
            "/console/login/code", data={"code": "000000", "form_token": token_in(page)}
        )
        assert (wrong.status_code, "one-time code is wrong" in wrong.text) == (400, True)
        code = generator.at(int(console.identity.clock().timestamp()) + 30)
        right = await client.post("/console/login/code", data={"code": code, "form_token": token_in(page)})
        assert (right.status_code, right.headers["location"]) == (303, "/console/orders")
        assert (await client.get("/console/orders")).status_code == 200
        assert "caravan_login" not in client.cookies


async def test_the_second_step_without_the_first_begins_again(browser: httpx2.AsyncClient) -> None:
    assert (await browser.get("/console/login/code")).headers["location"] == "/console/login"
    assert (await browser.get("/console/password")).headers["location"] == "/console/login"
    token = token_in(await browser.get("/console/login"))
    for path in ("/console/login/code", "/console/password"):
        answer = await browser.post(path, data={"code": "1", "new": "a", "again": "a", "form_token": token})
        assert (answer.status_code, "begin again" in answer.text) == (400, True)


async def test_a_password_that_was_given_must_be_changed_first(
    console: Console, browser: httpx2.AsyncClient
) -> None:
    await add_person(console, "fresh@example.com", must_change=True)
    step = await log_in(browser, "fresh@example.com", next="/console/orders")
    assert step.headers["location"] == "/console/password"
    assert "session" not in browser.cookies
    token = token_in(await browser.get("/console/password"))

    async def change(new: str, again: str | None = None) -> httpx2.Response:
        form = {"new": new, "again": new if again is None else again, "form_token": token}
        return await browser.post("/console/password", data=form)

    for new, again, told in (
        ("a new long password", "another", "differ"),
        (PASSWORD, None, "another password than"),
        ("short", None, "too weak"),
    ):
        answer = await change(new, again)
        assert (answer.status_code, told in answer.text) == (400, True)
    done = await change("a new long password")
    assert (done.status_code, done.headers["location"]) == (303, "/console/orders")
    assert (await browser.get("/console/orders")).status_code == 200
    async with browser_of(console) as client:
        assert (await log_in(client, "fresh@example.com")).status_code == 401
        assert (await log_in(client, "fresh@example.com", "a new long password")).headers[
            "location"
        ] == "/console"


async def test_guessing_is_slowed_down_by_address(
    console: Console, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("limited")
    async with (
        running_console(console.system.address, home, rate_limits=True, rate_limit_login=2) as limited,
        browser_of(limited) as client,
    ):
        answers = [await log_in(client, "nobody@example.com", f"guess {turn}") for turn in range(3)]
        shown = await client.get("/console/login")
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert "<h1>" in answers[2].text
    assert int(answers[2].headers["retry-after"]) > 0
    assert shown.status_code == 200
