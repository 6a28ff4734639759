"""The navigation: in order, and only what its reader may open."""

from pathlib import Path

from caravan.core.http.listing import Listing
from caravan.core.http.pages import ConsolePage, ConsolePages, PageSet
from caravan.core.principal import Principal, PrincipalKind

PAGES = ConsolePages(
    [
        PageSet(
            "late",
            Path(),
            (
                ConsolePage("Orders", "/console/orders", "Commerce", 30, ("view_usage",)),
                ConsolePage("Help", "/h", "Other", 99),
            ),
        ),
        PageSet(
            "early",
            Path(),
            (
                ConsolePage("Quarantine", "/console/quarantine", "Migration", 40, ("admin",)),
                ConsolePage("Overview", "/console/overview", "Migration", 10, ("admin",)),
            ),
        ),
    ]
)


def _caller(*scopes: str) -> Principal:
    return Principal(PrincipalKind.USER, scopes=frozenset(scopes))


def test_groups_stand_in_the_order_of_their_first_page() -> None:
    groups = [(name, [page.title for page in pages]) for name, pages in PAGES.groups_for(_caller("admin"))]
    assert groups == [
        ("Migration", ["Overview", "Quarantine"]),
        ("Commerce", ["Orders"]),
        ("Other", ["Help"]),
    ]


def test_nobody_is_shown_a_page_that_would_be_refused() -> None:
    assert [page.title for page in PAGES.visible_to(_caller("view_usage"))] == ["Orders", "Help"]
    assert [page.title for page in PAGES.visible_to(_caller())] == ["Help"]


def test_a_page_of_a_list_knows_its_place() -> None:
    last = Listing(["x"] * 20, total=120, page=3)
    assert (last.pages, last.first, last.last) == (3, 101, 120)
    empty = Listing([], total=0, page=1)
    assert (empty.pages, empty.first, empty.last) == (1, 0, 0)
