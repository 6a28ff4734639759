"""Every page as people see it: no complaint, nothing sticks out on a phone."""

import pytest

from tests.e2e.console.conftest import Visit
from tests.fixtures.capabilities import needs

pytestmark = needs("chromium")

PAGES = {
    "overview": "/console/overview",
    "load": "/console/loads/rps",
    "quarantine": "/console/quarantine",
    "quarantined": "/console/quarantine/{broken}",
    "orders": "/console/orders",
    "order": "/console/orders/{order}",
    "logout": "/console/logout",
    "error": "/console/nowhere",
}


def _look(visit: Visit, name: str, suffix: str) -> None:
    answer = visit.page.goto(visit.site.url + PAGES[name].format(**visit.site.ids))
    assert answer is not None
    assert answer.status == (404 if name == "error" else 200)
    visit.picture(f"{name}-{suffix}")


@pytest.mark.parametrize("name", PAGES)
def test_each_page_on_a_desk(visit: Visit, name: str) -> None:
    visit.enter()
    _look(visit, name, "desk")
    assert visit.overflows() == []
    assert visit.overlaps() == []


@pytest.mark.parametrize("name", PAGES)
def test_each_page_on_a_phone_stays_inside_the_screen(phone: Visit, name: str) -> None:
    phone.enter()
    _look(phone, name, "phone")
    assert phone.overflows() == []
    assert phone.overlaps() == []


@pytest.mark.parametrize("name", ["overview", "orders", "order"])
def test_each_page_in_the_dark(dark: Visit, name: str) -> None:
    dark.enter()
    _look(dark, name, "dark")


@pytest.mark.parametrize("name", ["overview", "orders", "order"])
def test_pages_from_right_to_left(visit: Visit, name: str) -> None:
    visit.enter("rtl")
    _look(visit, name, "rtl")
    assert visit.page.locator("html").get_attribute("dir") == "rtl"
    assert visit.overflows() == []
    assert visit.overlaps() == []


def test_the_log_in_page(visit: Visit, phone: Visit) -> None:
    for one, suffix in ((visit, "desk"), (phone, "phone")):
        one.open("/console/login")
        one.picture(f"login-{suffix}")
        assert one.overflows() == []
