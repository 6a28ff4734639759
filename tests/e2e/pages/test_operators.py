"""Operators of an engine alone, in a real browser: log in, look, accept, promote, roll back, read the journal, leave."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from caravan.core.clock import utc_now
from caravan.core.database import DatabaseAddress
from tests.e2e.console.conftest import Site, Visit
from tests.fixtures.answering_side import answering_side
from tests.fixtures.capabilities import needs
from tests.fixtures.migration_data import DIFFERENCE
from tests.fixtures.operators_console import TOKENS, served_operators_console

pytestmark = needs("chromium")
BASE = "/console/migrations/shop"


@pytest.fixture(scope="module")
def site(module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with (
        answering_side() as side,
        served_operators_console(module_database, tmp_path_factory.mktemp("operators"), side) as url,
    ):
        yield Site(url)


def logged_in(page: Page, name: str, token: str | None = None) -> None:
    """With keys alone: the name has the focus when the page is open."""
    expect(page.get_by_label("Operator")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(token or TOKENS[name])
    page.keyboard.press("Enter")


def test_an_operator_takes_a_unit_there_and_back(visit: Visit) -> None:
    page = visit.open(f"{BASE}/units/orders")
    logged_in(page, "ann", "not hers")
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    page.get_by_label("Token").fill(TOKENS["ann"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("orders")  # where she was going
    expect(page.locator("#state")).to_contain_text("canary 5.0 %")
    page.get_by_role("link", name="total is rounded differently").click()
    page.get_by_role("button", name="Ask both sides again").click()
    expect(page.get_by_text("Both sides are asked again, for")).to_be_visible()
    page.get_by_label("Owner").fill("Finance")
    page.get_by_label("Reason").fill("the bank rounds so")
    page.get_by_label("Last day").fill((utc_now().date() + timedelta(days=20)).isoformat())
    page.get_by_role("button", name="Accept the difference").click()
    expect(page.get_by_role("cell", name="the bank rounds so")).to_have_count(2)
    visit.open(f"{BASE}/units/orders")
    page.get_by_role("link", name="Promote to canary:25").click()
    expect(page.get_by_label("Reason, for the journal")).to_be_focused()
    page.keyboard.type("every bound holds")
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_contain_text("canary 25.0 %")
    page.get_by_role("link", name="Roll back to shadow-read").click()
    expect(page.get_by_label("Reason, for the journal")).to_be_focused()
    page.keyboard.type("basket looks slow")
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_contain_text("shadow-read")
    visit.open(f"{BASE}/journal")
    expect(page.get_by_text("entries holds")).to_be_visible()
    expect(page.get_by_role("cell", name="rollback basket looks slow")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out.")).to_be_visible()
    visit.open(BASE)
    expect(page.get_by_label("Token")).to_be_visible()


def test_two_operators_see_each_other_and_what_each_may(visit: Visit) -> None:
    page = visit.open(BASE)
    logged_in(page, "bob")
    expect(page.get_by_role("heading", level=1)).to_have_text("shop")
    browser = visit.context.browser
    assert browser is not None
    other = browser.new_context()
    try:
        hers = other.new_page()
        hers.goto(f"{visit.site.url}{BASE}/units/orders")
        logged_in(hers, "lea")
        expect(hers.get_by_text("needs the permission switch_traffic")).to_be_visible()
        expect(page.get_by_text("Also here:")).to_contain_text("lea (orders)", timeout=15_000)
        expect(hers.get_by_text("Also here:")).to_contain_text("bob (overview)", timeout=15_000)
    finally:
        other.close()


def test_on_a_phone_no_page_sticks_out(phone: Visit) -> None:
    page = phone.open("/console")
    assert (phone.overflows(), phone.overlaps()) == ([], [])
    logged_in(page, "ann")
    expect(page.get_by_role("heading", level=1)).to_have_text("shop")
    for path in ("", "/units/orders", f"/differences/{DIFFERENCE}", "/journal"):
        phone.open(BASE + path)
        assert (path, phone.overflows(), phone.overlaps()) == (path, [], [])
