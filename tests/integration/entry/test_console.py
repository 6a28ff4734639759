"""The console of an engine alone: operators of the file log in with a token, and do what the file lets them do."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio
import typer

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from caravan.core.http import state_of
from caravan.entry.commands.operator import operator
from caravan.migration.config import read_config_text
from caravan.migration.console import token_digest
from caravan.migration.units import Scope, connected, entries, stored_units
from tests.fixtures.answering_side import answering_side
from tests.fixtures.console import token_in
from tests.fixtures.migration_data import DIFFERENCE, fill_migration, migration_file
from tests.fixtures.operators_console import TOKENS, OperatorsConsole, operator_logs_in, operators_console

PLACE = "GET /orders/{id}\t$.total"


@pytest.fixture(scope="module")
def console(
    module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorsConsole]:
    with answering_side() as side:
        made = operators_console(module_database, tmp_path_factory.mktemp("operators"), side)
        other = migration_file(side, side, name="elsewhere")
        fill_migration(module_database, made.scope.org_id, other)
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def _closed(console: OperatorsConsole) -> AsyncIterator[None]:
    """No server runs it, so nobody else closes what it has opened."""
    yield
    state = state_of(console.app)
    await state.database.close()
    await state.system_database.close()


@pytest_asyncio.fixture
async def browser(console: OperatorsConsole) -> AsyncIterator[httpx2.AsyncClient]:
    async with console.browser() as client:
        yield client


async def sent(client: httpx2.AsyncClient, page: str, path: str, **form: object) -> httpx2.Response:
    return await client.post(path, data={"form_token": token_in(await client.get(page)), **form})


def journal(console: OperatorsConsole) -> list[str]:
    with connected(console.address, read_only=True) as connection:
        return [f"{one.phase} {one.by}" for one in entries(connection, console.scope)]


@pytest.mark.asyncio
async def test_an_operator_comes_in_by_a_token_and_goes_where_they_were_going(
    console: OperatorsConsole, browser: httpx2.AsyncClient
) -> None:
    closed = await browser.get(f"{console.base}/journal")
    assert (closed.status_code, closed.headers["location"]) == (
        303,
        f"/console/login?next=%2Fconsole%2Fmigrations%2F{console.scope.migration}%2Fjournal",
    )
    for name, token in (("ann", "guessed"), ("nobody", TOKENS["ann"])):
        refused = await operator_logs_in(browser, name, token)
        assert (refused.status_code, "set-cookie" in refused.headers) == (401, False)
        assert "The name and the token do not belong together" in refused.text
    answer = await operator_logs_in(browser, "ann", next=f"{console.base}/journal")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{console.base}/journal")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "logged in" in (await browser.get(f"{console.base}/journal")).text
    assert (await browser.get("/console")).headers["location"] == console.base
    assert journal(console)[-1] == "logged in ann"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.test/", "//evil.test/console/migrations", "/console/migrations/../../x", "/other"],
)
async def test_a_log_in_leads_nowhere_else(browser: httpx2.AsyncClient, elsewhere: str) -> None:
    answer = await operator_logs_in(browser, "lea", next=elsewhere)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert (await browser.get("/console/login", params={"next": elsewhere})).headers["location"] == "/console"


@pytest.mark.asyncio
async def test_a_log_out_ends_the_session_wherever_its_cookie_is(
    console: OperatorsConsole, browser: httpx2.AsyncClient
) -> None:
    await operator_logs_in(browser, "lea")
    stolen = browser.cookies["caravan_operator"]
    assert (await sent(browser, console.base, "/console/logout")).headers[
        "location"
    ] == "/console/login?left=true"
    async with console.browser() as thief:
        thief.cookies.set("caravan_operator", stolen, domain="caravan.test", path="/console")
        assert (await thief.get(console.base)).status_code == 303


@pytest.mark.asyncio
async def test_who_is_taken_out_of_the_file_is_out(
    console: OperatorsConsole, browser: httpx2.AsyncClient
) -> None:
    await operator_logs_in(browser, "bob")
    assert (await browser.get(console.base)).status_code == 200
    try:
        changed = console.text.replace(token_digest(TOKENS["bob"]), token_digest("another one"))
        console.file.write_text(f"{changed}\n# another token", encoding="utf-8")
        assert (await browser.get(console.base)).status_code == 303
        assert (await operator_logs_in(browser, "bob", "another one")).status_code == 303
        console.file.write_text("this is no file", encoding="utf-8")  # whoever was in stays in
        assert (await browser.get(console.base)).status_code == 200
    finally:
        console.file.write_text(console.text, encoding="utf-8")
    assert (await browser.get(console.base)).status_code == 303


@pytest.mark.asyncio
async def test_each_operator_does_what_the_file_lets_them_do(console: OperatorsConsole) -> None:
    unit, page = f"{console.base}/units/orders", f"{console.base}/differences/{DIFFERENCE}"
    until = (utc_now().date() + timedelta(days=20)).isoformat()
    accepting = {"place": [PLACE], "owner": "Finance", "reason": "rounding", "until": until}
    wish = {"act": str(uuid4()), "seen_at": "canary:5", "back": "false", "reason": "bounds hold"}
    async with console.browser() as lea, console.browser() as ann, console.browser() as bob:
        for client, name in ((lea, "lea"), (ann, "ann"), (bob, "bob")):
            await operator_logs_in(client, name)
        assert "needs the permission" in (await lea.get(unit)).text
        assert (await sent(lea, unit, f"{unit}/ways/canary:25", **wish)).status_code == 403
        assert (await sent(bob, unit, f"{page}/accept", **accepting)).status_code == 403
        assert (
            (await sent(ann, unit, f"{page}/accept", **accepting)).headers["location"].endswith("/accepted")
        )
        assert (await sent(bob, unit, f"{unit}/ways/canary:25", **wish)).headers["location"] == unit
    with connected(console.address, read_only=True) as connection:
        assert stored_units(connection, console.scope)["orders"].values.share == 0.25
    said = journal(console)
    assert any(one.startswith("difference accepted ann (user:") for one in said)
    assert any(one.startswith("promotion bob (user:") for one in said)


@pytest.mark.asyncio
async def test_nothing_of_another_migration_is_shown_or_moved(
    console: OperatorsConsole, browser: httpx2.AsyncClient
) -> None:
    await operator_logs_in(browser, "ann")
    assert "elsewhere" not in (await browser.get("/console/migrations")).text
    other = "/console/migrations/elsewhere"
    for path in (
        other,
        f"{other}/units/orders",
        f"{other}/journal",
        f"{other}/live",
        "/console/loads/elsewhere",
    ):
        assert (path, (await browser.get(path)).status_code) == (path, 404)
    wish = {"act": str(uuid4()), "seen_at": "canary:5", "back": "true", "reason": "mischief"}
    moved = await sent(browser, console.base, f"{other}/units/orders/ways/shadow-read", **wish)
    assert moved.status_code == 404
    with connected(console.address, read_only=True) as connection:
        there = stored_units(connection, Scope(console.scope.org_id, "elsewhere"))["orders"].values
    assert (there.state, there.share) == (6, 0.05)


@pytest.mark.asyncio
async def test_forms_are_of_this_console_alone_and_the_platforms_cookies_do_not_count(
    console: OperatorsConsole, browser: httpx2.AsyncClient
) -> None:
    await browser.get("/console/login")
    form = {"name": "ann", "token": TOKENS["ann"], "form_token": "0" * 64}
    assert (await browser.post("/console/login", data=form)).status_code == 403
    browser.cookies.set("session", "a token of the platform", domain="caravan.test", path="/console")
    browser.cookies.set("caravan_refresh", "another one", domain="caravan.test", path="/console")
    closed = await browser.get(console.base)
    assert closed.headers["location"].startswith("/console/renew?next=")
    assert (
        (await browser.get(closed.headers["location"])).headers["location"].startswith("/console/login?next=")
    )


def test_a_command_makes_a_token_and_what_the_file_keeps_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    operator("mira", ["switch"])
    said = capsys.readouterr()
    token = said.err.rpartition(": ")[2].strip()
    assert len(token) > 40
    assert token not in said.out
    config = read_config_text(migration_file().file, '[migration]\nname = "a"\norg = "b"\n' + said.out)
    assert (config.operators["mira"].token, config.operators["mira"].may) == (
        token_digest(token),
        ("switch",),
    )
    with pytest.raises(typer.BadParameter, match="rule: an operator may view, accept, switch"):
        operator("mira", ["rule"])
