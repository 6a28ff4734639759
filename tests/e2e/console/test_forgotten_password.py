"""A forgotten password, in a real browser: ask, read the mail, choose a new one, log in."""

from playwright.sync_api import expect

from tests.e2e.console.conftest import Visit
from tests.fixtures.capabilities import needs
from tests.fixtures.console import PASSWORD

pytestmark = needs("chromium")

NEW = "another long password"


def test_from_the_log_in_page_to_the_next_log_in(visit: Visit, phone: Visit) -> None:
    page = visit.open("/console/login")
    page.get_by_role("link", name="Forgot your password?").click()
    expect(page.get_by_label("E-mail or user name")).to_be_focused()
    page.keyboard.type("forgetful@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("If there is such an account")
    link = visit.site.mailed_link("forgetful@example.com")
    assert link is not None
    assert link.startswith(f"{visit.site.url}/console/password-reset?token=")

    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Choose a new password")
    visit.picture("reset-desk")
    phone.page.goto(link)
    phone.picture("reset-phone")
    assert visit.overflows() + phone.overflows() + visit.overlaps() + phone.overlaps() == []
    page.get_by_label("New password").fill(NEW)
    page.get_by_label("The same again").fill("not the same")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("alert")).to_have_text("The two passwords differ.")
    page.get_by_label("New password").fill(NEW)
    page.get_by_label("The same again").fill(NEW)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("status")).to_have_text("Your password is changed. Log in with it.")

    for password in (PASSWORD, NEW):
        page.get_by_label("E-mail or user name").fill("forgetful@example.com")
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        if password == PASSWORD:
            expect(page.get_by_role("alert")).to_contain_text("Wrong name or password")
    page.wait_for_url("**/console/overview")

    phone.page.reload()
    expect(phone.page.get_by_role("heading", level=1)).to_have_text("The reset link is not valid")
    phone.page.get_by_role("link", name="Ask for a new link").click()
    expect(phone.page.get_by_role("button", name="Send the link")).to_be_visible()
