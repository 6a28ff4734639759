"""What people do in the console, in a real browser: with a mouse, with keys alone, without scripts."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.console.conftest import Visit
from tests.fixtures.capabilities import needs

pytestmark = needs("chromium")


def _is_focused(page: Page, label: str) -> None:
    expect(page.get_by_label(label, exact=True)).to_be_focused()


def test_a_wrong_password_is_said_plainly_and_the_name_stays(visit: Visit) -> None:
    page = visit.open("/console/orders")
    page.get_by_label("E-mail or user name").fill("owner@example.com")
    page.get_by_label("Password").fill("not it")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("Wrong name or password")
    expect(page.get_by_label("E-mail or user name")).to_have_value("owner@example.com")
    _is_focused(page, "Password")


def test_after_the_log_in_one_is_where_one_was_going(visit: Visit) -> None:
    page = visit.log_in(path="/console/orders?q=R10007")
    assert page.url.endswith("/console/orders?q=R10007")
    expect(page.get_by_role("heading", level=1)).to_have_text("Orders")


def test_searching_filters_in_place_and_goes_into_the_address(visit: Visit) -> None:
    page = visit.log_in(path="/console/orders")
    page.evaluate("window.still = true")
    page.get_by_label("Search", exact=True).press_sequentially("r1001")
    expect(page.get_by_role("status")).to_have_text("10 orders")
    expect(page).to_have_url(re.compile(r"q=r1001"))
    _is_focused(page, "Search")
    page.get_by_label("State").select_option("pending")
    expect(page.get_by_role("status")).to_have_text("2 orders")
    assert page.evaluate("window.still") is True
    page.get_by_label("Search", exact=True).fill("nothing like it")
    expect(page.get_by_text("No order fits.")).to_be_visible()


def test_paging_and_sorting_swap_the_list_and_back_returns(visit: Visit) -> None:
    page = visit.log_in(path="/console/orders")
    page.evaluate("window.still = true")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("51\u2013100 of 120")).to_be_visible()
    assert page.evaluate("window.still") is True
    page.get_by_role("link", name="Total").click()
    expect(page.get_by_role("columnheader", name="Total")).to_have_attribute("aria-sort", "descending")
    expect(page.get_by_role("row").nth(1)).to_contain_text("R10119")
    page.go_back()
    expect(page.get_by_text("51\u2013100 of 120")).to_be_visible()


def test_an_order_opens_with_its_lines_and_what_rps_said(visit: Visit) -> None:
    page = visit.log_in(path="/console/orders?q=R10000")
    page.get_by_role("link", name="R10000").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Order R10000")
    expect(page.get_by_role("cell", name="خيمة كبيرة")).to_be_visible()
    expect(page.get_by_text("in RPS: COMPLETE")).to_be_visible()
    expect(page.get_by_text("Pegs <b>bold</b>")).to_be_visible()
    page.get_by_text("Kept as it came").click()
    expect(page.get_by_text('"loyaltyTier": "gold"')).to_be_visible()


def test_a_quarantined_record_shows_why_and_its_original(visit: Visit) -> None:
    page = visit.log_in(path="/console/quarantine")
    page.get_by_label("Class").select_option("record.not_bson")
    expect(page.get_by_role("status")).to_have_text("1 record")
    page.get_by_role("link", name="record 0").click()
    expect(page.get_by_text("'n/a' is not a number")).to_be_visible()
    expect(page.get_by_label("Original record")).to_contain_text("<script>alert(1)</script>")


def test_an_auditor_sees_the_record_without_its_original(visit: Visit) -> None:
    page = visit.log_in("auditor", path=f"/console/quarantine/{visit.site.ids['broken']}")
    expect(page.get_by_text("Shown to administrators only")).to_be_visible()
    assert "alert(1)" not in page.content()


def test_who_lacks_the_permission_is_told_which(visit: Visit) -> None:
    page = visit.log_in("worker", path="/console/orders")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not allowed")
    expect(page.get_by_text("Permission needed")).to_contain_text("view_usage")


def test_logging_out_ends_the_session(visit: Visit) -> None:
    page = visit.log_in()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("status")).to_have_text("You are logged out.")
    visit.open("/console/orders")
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


def test_everything_can_be_done_with_the_keyboard(visit: Visit) -> None:
    page = visit.open("/console")
    page.keyboard.type("owner@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/overview")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    visit.open("/console/orders")
    page.keyboard.press("/")
    _is_focused(page, "Search")
    page.keyboard.type("R10003")
    expect(page.get_by_role("status")).to_have_text("1 order")
    expect(page).to_have_url(re.compile("q=R10003&"))
    wanted = page.get_by_role("link", name="R10003")
    for _ in range(20):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            break
    expect(wanted).to_be_focused()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Order R10003")


def test_without_scripts_the_forms_and_links_do_the_same(scriptless: Visit) -> None:
    page = scriptless.log_in(path="/console/orders")
    page.get_by_label("Search", exact=True).fill("buyer01")
    page.get_by_label("State").select_option("shipped")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("status")).to_have_text("1 order")
    scriptless.open("/console/orders")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("51\u2013100 of 120")).to_be_visible()


def test_a_page_whose_token_has_expired_renews_the_session_unseen(visit: Visit) -> None:
    page = visit.log_in()
    visit.context.clear_cookies(name="session")
    visit.open("/console/orders?q=R10001")
    expect(page.get_by_role("heading", level=1)).to_have_text("Orders")
    assert page.url.endswith("/console/orders?q=R10001")


def test_a_search_in_a_page_left_open_renews_the_session_too(visit: Visit) -> None:
    page = visit.log_in(path="/console/orders")
    visit.context.clear_cookies(name="session")
    # At once: what is typed while the page is renewed goes into the old one.
    page.get_by_label("Search", exact=True).fill("R10002")
    expect(page.get_by_role("status")).to_have_text("1 order")


def test_many_tabs_at_once_renew_without_ending_the_session(visit: Visit) -> None:
    visit.log_in()
    tabs = [visit.tab() for _ in range(4)]
    visit.context.clear_cookies(name="session")
    for tab in tabs:
        tab.evaluate(
            "address => { setTimeout(() => { location.href = address }, 0) }",
            visit.site.url + "/console/orders",
        )
    for tab in tabs:
        expect(tab.get_by_role("heading", level=1)).to_have_text("Orders")
    visit.open("/console/quarantine")
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Quarantine")


def test_a_forged_form_is_refused(visit: Visit) -> None:
    page = visit.log_in()
    page.evaluate("document.querySelector('input[name=form_token]').value = '0'.repeat(64)")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The form is no longer valid")
    visit.open("/console/orders")
    expect(page.get_by_role("heading", level=1)).to_have_text("Orders")
