"""Which Host headers are ours."""

import pytest

from caravan.core.http.hosts import TrustedHosts

HOSTS = TrustedHosts(("localhost", "[::1]", "*.example.com", "API.example.org"))


@pytest.mark.parametrize(
    "header",
    [
        "localhost",
        "localhost:8000",
        "[::1]",
        "[::1]:8000",
        "a.example.com",
        "api.example.org:443",
        "LOCALHOST",
    ],
)
def test_our_names_are_allowed_with_any_port(header: str) -> None:
    assert HOSTS.allow(header)


@pytest.mark.parametrize(
    "header", ["", "evil.org", "example.com", "localhost.evil.org", "evil.org:localhost", "[::2]"]
)
def test_others_are_not(header: str) -> None:
    assert not HOSTS.allow(header)


def test_a_star_allows_all() -> None:
    assert TrustedHosts(("*",)).allow("anything")
