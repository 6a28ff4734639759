"""After a log-in one lands on a page of the console, whatever the address was made to ask for."""

import pytest
from starlette.requests import Request

from caravan.admin.destinations import CONSOLE, LOGOUT, asked_for, safe_destination, with_next


@pytest.mark.parametrize(
    "wanted",
    [
        None,
        "",
        "https://evil.example/console",
        "//evil.example/console",
        "/\\evil.example",
        "/console\\..\\x",
        "javascript:alert(1)",
        "/console//evil.example",
        "/console/../api/v1/orders",
        "/console/%2e%2e/api",
        "/consolex",
        "/api/v1/orders",
        "console/orders",
        "/console/orders\r\nSet-Cookie: a=b",
        "/console/login?next=/console/login",
        "/console/renew",
        "/console/password",
        "/console/" + "x" * 3000,
        "http:///console/orders",
    ],
)
def test_anything_but_a_page_of_the_console_is_its_first_page(wanted: str | None) -> None:
    assert safe_destination(wanted) == CONSOLE


@pytest.mark.parametrize(
    "wanted",
    [
        "/console",
        "/console/orders",
        "/console/orders?q=a%40b.c&page=2",
        "/console/loads/rps",
        "/console/logout",
    ],
)
def test_pages_of_the_console_are_kept(wanted: str) -> None:
    assert safe_destination(wanted) == wanted


def test_a_destination_with_letters_of_any_language_becomes_an_address() -> None:
    assert safe_destination("/console/orders?q=أحمد").startswith("/console/orders?q=%D8")


def test_the_destination_goes_on_encoded() -> None:
    assert with_next("/console/login", "/console/orders?q=a&page=2") == (
        "/console/login?next=%2Fconsole%2Forders%3Fq%3Da%26page%3D2"
    )
    assert with_next("/console/login", CONSOLE) == "/console/login"


def _request(method: str, path: str, query: bytes = b"") -> Request:
    return Request(
        {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query,
            "headers": [(b"host", b"caravan.test")],
            "scheme": "http",
            "server": ("caravan.test", 80),
        }
    )


def test_a_form_that_was_sent_is_begun_again() -> None:
    assert asked_for(_request("POST", "/console/anything")) == CONSOLE
    assert asked_for(_request("POST", LOGOUT)) == LOGOUT
    assert asked_for(_request("GET", "/console/orders", b"q=1")) == "/console/orders?q=1"
