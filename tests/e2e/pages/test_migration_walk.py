"""A person takes a unit through its canary in a real browser: look, difference, accept, promote, roll back."""

from datetime import timedelta

from playwright.sync_api import Page, expect

from caravan.core.clock import utc_now
from tests.e2e.console.conftest import Visit
from tests.fixtures.capabilities import needs
from tests.fixtures.migration_data import DIFFERENCE

pytestmark = needs("chromium")
BASE = "/console/migrations/shop"


def _tab_to(page: Page, name: str, *, role: str = "link") -> None:
    wanted = page.locator("main").get_by_role(role, name=name).first  # type: ignore[arg-type]  # a role as text
    for _ in range(80):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} is not reached with Tab")


def test_from_a_difference_to_a_promotion_and_back_while_another_page_follows(visit: Visit) -> None:
    page = visit.log_in(path=BASE)
    watching = visit.tab()
    watching.goto(visit.site.url + f"{BASE}/units/orders")
    expect(page.get_by_role("img", name="Requests per second")).to_be_visible()
    page.get_by_role("link", name="total is rounded differently (2 places)").click()
    expect(page.locator(".pair del").first).to_contain_text('"total": "19.90"')
    page.get_by_label("Owner").fill("Finance")
    page.get_by_label("Reason").fill("the bank rounds so")
    page.get_by_label("Last day").fill((utc_now().date() + timedelta(days=20)).isoformat())
    page.get_by_role("button", name="Accept the difference").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Accepted differences")
    expect(page.get_by_role("cell", name="the bank rounds so")).to_have_count(2)
    visit.open(f"{BASE}/units/orders")
    page.get_by_role("link", name="Promote to canary:25").click()
    expect(page.get_by_text("widen the canary")).to_be_visible()
    page.get_by_label("Reason, for the journal").fill("every bound holds")
    page.get_by_role("button", name="Promote").click()
    expect(page.locator("#state")).to_contain_text("canary 25.0 %")
    expect(watching.locator("#state")).to_contain_text("canary 25.0 %")
    # The way back, with keys alone.
    page.reload()
    _tab_to(page, "Roll back to shadow-read")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Reason, for the journal")).to_be_focused()
    page.keyboard.type("basket looks slow")
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_contain_text("shadow-read")
    visit.open(f"{BASE}/journal")
    expect(page.get_by_text("the chain of").or_(page.get_by_text("The chain of"))).to_contain_text("holds")
    expect(page.get_by_text("basket looks slow").first).to_be_visible()


def test_on_a_phone_no_page_sticks_out(phone: Visit) -> None:
    phone.log_in(path="/console/migrations")
    paths = ("", "/units/orders", "/differences", f"/differences/{DIFFERENCE}", "/accepted", "/journal")
    for path in paths:
        phone.open(BASE + path)
        assert (path, phone.overflows(), phone.overlaps()) == (path, [], [])
